CREATE TABLE "erasures" (
	"recipient_id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"step" text NOT NULL,
	"cursor" text,
	"addresses" json NOT NULL,
	"due_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "devices" ADD COLUMN "keys" json;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "deferred_at" bigint;--> statement-breakpoint
ALTER TABLE "projects" ADD COLUMN "suppression_key" text;--> statement-breakpoint
ALTER TABLE "erasures" ADD CONSTRAINT "erasures_recipient_id_recipients_id_fk" FOREIGN KEY ("recipient_id") REFERENCES "public"."recipients"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "erasures_due" ON "erasures" USING btree ("due_at");