CREATE TABLE `copies` (
	`id` text PRIMARY KEY NOT NULL,
	`event_id` text NOT NULL,
	`subscription_id` text NOT NULL,
	`project_id` text NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`place` text,
	`position` integer,
	`generation` integer DEFAULT 0 NOT NULL,
	`due_at` integer NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`unanswered` integer DEFAULT 0 NOT NULL,
	`lease_token` text,
	`lease_owner` text,
	`lease_until` integer,
	`claimed_at` integer,
	`notification_id` text,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`event_id`) REFERENCES `events`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`subscription_id`) REFERENCES `subscriptions`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `copies_event` ON `copies` (`event_id`,`subscription_id`);--> statement-breakpoint
CREATE INDEX `copies_project` ON `copies` (`project_id`,`id`);--> statement-breakpoint
CREATE INDEX `copies_waiting` ON `copies` (`place`,`subscription_id`,`due_at`,`id`) WHERE "copies"."place" is not null;--> statement-breakpoint
CREATE INDEX `copies_in_order` ON `copies` (`subscription_id`,`position`) WHERE "copies"."position" is not null and "copies"."place" is not null;--> statement-breakpoint
CREATE INDEX `copies_subscription` ON `copies` (`subscription_id`,`id`);--> statement-breakpoint
CREATE INDEX `copies_failed` ON `copies` (`subscription_id`,`id`) WHERE "copies"."place" is null and "copies"."reason" is not null;--> statement-breakpoint
CREATE INDEX `copies_dead` ON `copies` (`project_id`,`id`) WHERE "copies"."place" is null and "copies"."reason" is not null;--> statement-breakpoint
CREATE INDEX `copies_notification` ON `copies` (`notification_id`) WHERE "copies"."notification_id" is not null;--> statement-breakpoint
CREATE TABLE `copy_attempts` (
	`copy_id` text NOT NULL,
	`number` integer NOT NULL,
	`generation` integer NOT NULL,
	`worker` text NOT NULL,
	`started_at` integer NOT NULL,
	`finished_at` integer NOT NULL,
	`outcome` text NOT NULL,
	`reason` text,
	`code` text,
	`response` text,
	PRIMARY KEY(`copy_id`, `number`),
	FOREIGN KEY (`copy_id`) REFERENCES `copies`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `event_types` (
	`project_id` text NOT NULL,
	`type` text NOT NULL,
	`description` text,
	`schema` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`project_id`, `type`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `events` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`external_id` text,
	`source` text DEFAULT '' NOT NULL,
	`request_hash` text,
	`origin` text NOT NULL,
	`type` text NOT NULL,
	`subject` text,
	`occurred_at` integer NOT NULL,
	`data` text NOT NULL,
	`created_at` integer NOT NULL,
	`fanned_out_at` integer,
	`payload_removed_at` integer,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `events_external_id` ON `events` (`project_id`,`source`,`external_id`) WHERE "events"."external_id" is not null;--> statement-breakpoint
CREATE INDEX `events_project` ON `events` (`project_id`,`id`);--> statement-breakpoint
CREATE INDEX `events_open` ON `events` (`project_id`,`created_at`,`id`) WHERE "events"."fanned_out_at" is null;--> statement-breakpoint
CREATE INDEX `events_subject` ON `events` (`project_id`,`subject`,`id`) WHERE "events"."subject" is not null;--> statement-breakpoint
CREATE TABLE `subscriptions` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`types` text NOT NULL,
	`filter` text,
	`of_happenings` integer NOT NULL,
	`ordered` integer DEFAULT false NOT NULL,
	`settings` text NOT NULL,
	`sealed` text,
	`status` text NOT NULL,
	`reason` text,
	`failing_since` integer,
	`held_until` integer,
	`holds` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`removed_at` integer,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `subscriptions_name` ON `subscriptions` (`project_id`,`name`) WHERE "subscriptions"."removed_at" is null;--> statement-breakpoint
CREATE INDEX `subscriptions_of_happenings` ON `subscriptions` (`project_id`) WHERE "subscriptions"."of_happenings" and "subscriptions"."removed_at" is null;