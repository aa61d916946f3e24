CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"name" text NOT NULL,
	"secret_hash" text NOT NULL,
	"scopes" json NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint,
	"revoked_at" bigint
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"message_id" text NOT NULL,
	"number" integer NOT NULL,
	"generation" integer NOT NULL,
	"worker" text NOT NULL,
	"started_at" bigint NOT NULL,
	"finished_at" bigint,
	"outcome" text NOT NULL,
	"reason" text,
	"provider" text,
	"code" text,
	"response" text,
	CONSTRAINT "attempts_message_id_number_pk" PRIMARY KEY("message_id","number")
);
--> statement-breakpoint
CREATE TABLE "devices" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"recipient_id" text NOT NULL,
	"platform" text NOT NULL,
	"token" text NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" text PRIMARY KEY NOT NULL,
	"notification_id" text NOT NULL,
	"project_id" text NOT NULL,
	"channel" text NOT NULL,
	"lane" text NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"address" text,
	"platform" text,
	"on_ambiguous" text NOT NULL,
	"place" text,
	"generation" integer DEFAULT 0 NOT NULL,
	"due_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"unanswered" integer DEFAULT 0 NOT NULL,
	"lease_token" text,
	"lease_owner" text,
	"lease_until" bigint,
	"cancel_requested_at" bigint,
	"first_claimed_at" bigint,
	"created_at" bigint NOT NULL,
	"ended_at" bigint
);
--> statement-breakpoint
CREATE TABLE "notifications" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"idempotency_key" text,
	"request_hash" text,
	"recipient_id" text,
	"to_name" text,
	"template_id" text,
	"template_key" text,
	"template_version" integer,
	"content" json,
	"data" json NOT NULL,
	"metadata" json NOT NULL,
	"locale" text,
	"lane" text NOT NULL,
	"category" text,
	"send_at" bigint,
	"expires_at" bigint NOT NULL,
	"answer" json NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" text PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "recipients" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"external_id" text NOT NULL,
	"name" text,
	"email" text,
	"locale" text,
	"timezone" text,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sequences" (
	"name" text PRIMARY KEY NOT NULL,
	"value" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "templates" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"key" text NOT NULL,
	"version" integer NOT NULL,
	"category" text,
	"on_ambiguous" text NOT NULL,
	"variables" json NOT NULL,
	"content" json NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "devices" ADD CONSTRAINT "devices_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "devices" ADD CONSTRAINT "devices_recipient_id_recipients_id_fk" FOREIGN KEY ("recipient_id") REFERENCES "public"."recipients"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_notification_id_notifications_id_fk" FOREIGN KEY ("notification_id") REFERENCES "public"."notifications"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recipients" ADD CONSTRAINT "recipients_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "templates" ADD CONSTRAINT "templates_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "devices_token" ON "devices" USING btree ("project_id","platform","token");--> statement-breakpoint
CREATE INDEX "devices_recipient" ON "devices" USING btree ("recipient_id");--> statement-breakpoint
CREATE INDEX "messages_notification" ON "messages" USING btree ("notification_id");--> statement-breakpoint
CREATE INDEX "messages_waiting" ON "messages" USING btree ("place","channel","lane","due_at","id") WHERE "messages"."place" is not null;--> statement-breakpoint
CREATE INDEX "messages_expiring" ON "messages" USING btree ("expires_at") WHERE "messages"."place" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "notifications_idempotency_key" ON "notifications" USING btree ("project_id","idempotency_key") WHERE "notifications"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX "notifications_project" ON "notifications" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "notifications_recipient" ON "notifications" USING btree ("project_id","recipient_id","id") WHERE "notifications"."recipient_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "projects_key" ON "projects" USING btree ("key");--> statement-breakpoint
CREATE UNIQUE INDEX "recipients_external_id" ON "recipients" USING btree ("project_id","external_id");--> statement-breakpoint
CREATE UNIQUE INDEX "templates_version" ON "templates" USING btree ("project_id","key","version");