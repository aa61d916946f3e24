CREATE TABLE "copies" (
	"id" text PRIMARY KEY NOT NULL,
	"event_id" text NOT NULL,
	"subscription_id" text NOT NULL,
	"project_id" text NOT NULL,
	"status" text NOT NULL,
	"reason" text,
	"place" text,
	"position" bigint,
	"generation" integer DEFAULT 0 NOT NULL,
	"due_at" bigint NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"unanswered" integer DEFAULT 0 NOT NULL,
	"lease_token" text,
	"lease_owner" text,
	"lease_until" bigint,
	"claimed_at" bigint,
	"notification_id" text,
	"created_at" bigint NOT NULL,
	"ended_at" bigint
);
--> statement-breakpoint
CREATE TABLE "copy_attempts" (
	"copy_id" text NOT NULL,
	"number" integer NOT NULL,
	"generation" integer NOT NULL,
	"worker" text NOT NULL,
	"started_at" bigint NOT NULL,
	"finished_at" bigint NOT NULL,
	"outcome" text NOT NULL,
	"reason" text,
	"code" text,
	"response" text,
	CONSTRAINT "copy_attempts_copy_id_number_pk" PRIMARY KEY("copy_id","number")
);
--> statement-breakpoint
CREATE TABLE "event_types" (
	"project_id" text NOT NULL,
	"type" text collate "C" NOT NULL,
	"description" text,
	"schema" json,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "event_types_project_id_type_pk" PRIMARY KEY("project_id","type")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"external_id" text,
	"source" text DEFAULT '' NOT NULL,
	"request_hash" text,
	"origin" text NOT NULL,
	"type" text NOT NULL,
	"subject" text,
	"occurred_at" bigint NOT NULL,
	"data" json NOT NULL,
	"created_at" bigint NOT NULL,
	"fanned_out_at" bigint,
	"payload_removed_at" bigint
);
--> statement-breakpoint
CREATE TABLE "subscriptions" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"types" json NOT NULL,
	"filter" text,
	"of_happenings" boolean NOT NULL,
	"ordered" boolean DEFAULT false NOT NULL,
	"settings" json NOT NULL,
	"sealed" text,
	"status" text NOT NULL,
	"reason" text,
	"failing_since" bigint,
	"held_until" bigint,
	"holds" integer DEFAULT 0 NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"removed_at" bigint
);
--> statement-breakpoint
ALTER TABLE "sequences" ALTER COLUMN "value" SET DATA TYPE bigint;--> statement-breakpoint
ALTER TABLE "copies" ADD CONSTRAINT "copies_event_id_events_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."events"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "copies" ADD CONSTRAINT "copies_subscription_id_subscriptions_id_fk" FOREIGN KEY ("subscription_id") REFERENCES "public"."subscriptions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "copy_attempts" ADD CONSTRAINT "copy_attempts_copy_id_copies_id_fk" FOREIGN KEY ("copy_id") REFERENCES "public"."copies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "event_types" ADD CONSTRAINT "event_types_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "events" ADD CONSTRAINT "events_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscriptions" ADD CONSTRAINT "subscriptions_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "copies_event" ON "copies" USING btree ("event_id","subscription_id");--> statement-breakpoint
CREATE INDEX "copies_project" ON "copies" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "copies_waiting" ON "copies" USING btree ("place","subscription_id","due_at","id") WHERE "copies"."place" is not null;--> statement-breakpoint
CREATE INDEX "copies_in_order" ON "copies" USING btree ("subscription_id","position") WHERE "copies"."position" is not null and "copies"."place" is not null;--> statement-breakpoint
CREATE INDEX "copies_subscription" ON "copies" USING btree ("subscription_id","id");--> statement-breakpoint
CREATE INDEX "copies_failed" ON "copies" USING btree ("subscription_id","id") WHERE "copies"."place" is null and "copies"."reason" is not null;--> statement-breakpoint
CREATE INDEX "copies_dead" ON "copies" USING btree ("project_id","id") WHERE "copies"."place" is null and "copies"."reason" is not null;--> statement-breakpoint
CREATE INDEX "copies_notification" ON "copies" USING btree ("notification_id") WHERE "copies"."notification_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "events_external_id" ON "events" USING btree ("project_id","source","external_id") WHERE "events"."external_id" is not null;--> statement-breakpoint
CREATE INDEX "events_project" ON "events" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "events_open" ON "events" USING btree ("project_id","created_at","id") WHERE "events"."fanned_out_at" is null;--> statement-breakpoint
CREATE INDEX "events_subject" ON "events" USING btree ("project_id","subject","id") WHERE "events"."subject" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "subscriptions_name" ON "subscriptions" USING btree ("project_id","name") WHERE "subscriptions"."removed_at" is null;--> statement-breakpoint
CREATE INDEX "subscriptions_of_happenings" ON "subscriptions" USING btree ("project_id") WHERE "subscriptions"."of_happenings" and "subscriptions"."removed_at" is null;