CREATE TABLE "feedback" (
	"message_id" text NOT NULL,
	"type" text NOT NULL,
	"event_id" text NOT NULL,
	"source" text NOT NULL,
	"code" text,
	"response" text,
	"at" bigint NOT NULL,
	"received_at" bigint NOT NULL,
	CONSTRAINT "feedback_message_id_type_event_id_pk" PRIMARY KEY("message_id","type","event_id")
);
--> statement-breakpoint
DROP INDEX "messages_waiting";--> statement-breakpoint
ALTER TABLE "suppressions" DROP CONSTRAINT "suppressions_project_id_channel_address_hash_pk";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "template_id" text;--> statement-breakpoint
ALTER TABLE "replays" ADD COLUMN "template_id" text;--> statement-breakpoint
ALTER TABLE "suppressions" ADD COLUMN "id" text;--> statement-breakpoint
UPDATE "suppressions" SET "id" = 'sup_' || substr("address_hash", 1, 32);--> statement-breakpoint
ALTER TABLE "suppressions" ADD PRIMARY KEY ("id");--> statement-breakpoint
ALTER TABLE "suppressions" ADD COLUMN "category" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "suppressions" ADD COLUMN "note" text;--> statement-breakpoint
ALTER TABLE "suppressions" ADD COLUMN "message_id" text;--> statement-breakpoint
ALTER TABLE "feedback" ADD CONSTRAINT "feedback_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "attempts_provider_message" ON "attempts" USING btree ("provider_message_id") WHERE "attempts"."provider_message_id" is not null;--> statement-breakpoint
CREATE INDEX "messages_dead" ON "messages" USING btree ("project_id","id") WHERE "messages"."place" is null and "messages"."reason" not in ('no_address', 'no_device', 'opted_out', 'no_provider', 'hard_bounce', 'complaint', 'unsubscribed', 'manual', 'erased', 'canceled_by_request');--> statement-breakpoint
CREATE UNIQUE INDEX "suppressions_address" ON "suppressions" USING btree ("address_hash","project_id","channel","category");--> statement-breakpoint
CREATE INDEX "suppressions_project" ON "suppressions" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "messages_waiting" ON "messages" USING btree ("place","channel","lane","project_id","due_at","id") WHERE "messages"."place" is not null;