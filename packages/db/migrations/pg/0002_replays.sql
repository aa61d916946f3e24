CREATE TABLE "replays" (
	"message_id" text NOT NULL,
	"generation" integer NOT NULL,
	"at" bigint NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"ended_at" bigint,
	CONSTRAINT "replays_message_id_generation_pk" PRIMARY KEY("message_id","generation")
);
--> statement-breakpoint
ALTER TABLE "replays" ADD CONSTRAINT "replays_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE no action ON UPDATE no action;