CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`name` text NOT NULL,
	`secret_hash` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `attempts` (
	`message_id` text NOT NULL,
	`number` integer NOT NULL,
	`generation` integer NOT NULL,
	`worker` text NOT NULL,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`outcome` text NOT NULL,
	`reason` text,
	`provider` text,
	`code` text,
	`response` text,
	PRIMARY KEY(`message_id`, `number`),
	FOREIGN KEY (`message_id`) REFERENCES `messages`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `devices` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`recipient_id` text NOT NULL,
	`platform` text NOT NULL,
	`token` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`recipient_id`) REFERENCES `recipients`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `devices_token` ON `devices` (`project_id`,`platform`,`token`);--> statement-breakpoint
CREATE INDEX `devices_recipient` ON `devices` (`recipient_id`);--> statement-breakpoint
CREATE TABLE `messages` (
	`id` text PRIMARY KEY NOT NULL,
	`notification_id` text NOT NULL,
	`project_id` text NOT NULL,
	`channel` text NOT NULL,
	`lane` text NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`address` text,
	`platform` text,
	`on_ambiguous` text NOT NULL,
	`place` text,
	`generation` integer DEFAULT 0 NOT NULL,
	`due_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`unanswered` integer DEFAULT 0 NOT NULL,
	`lease_token` text,
	`lease_owner` text,
	`lease_until` integer,
	`cancel_requested_at` integer,
	`first_claimed_at` integer,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`notification_id`) REFERENCES `notifications`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `messages_notification` ON `messages` (`notification_id`);--> statement-breakpoint
CREATE INDEX `messages_waiting` ON `messages` (`place`,`channel`,`lane`,`due_at`,`id`) WHERE "messages"."place" is not null;--> statement-breakpoint
CREATE INDEX `messages_expiring` ON `messages` (`expires_at`) WHERE "messages"."place" is not null;--> statement-breakpoint
CREATE TABLE `notifications` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`idempotency_key` text,
	`request_hash` text,
	`recipient_id` text,
	`to_name` text,
	`template_id` text,
	`template_key` text,
	`template_version` integer,
	`content` text,
	`data` text NOT NULL,
	`metadata` text NOT NULL,
	`locale` text,
	`lane` text NOT NULL,
	`category` text,
	`send_at` integer,
	`expires_at` integer NOT NULL,
	`answer` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `notifications_idempotency_key` ON `notifications` (`project_id`,`idempotency_key`) WHERE "notifications"."idempotency_key" is not null;--> statement-breakpoint
CREATE INDEX `notifications_project` ON `notifications` (`project_id`,`id`);--> statement-breakpoint
CREATE INDEX `notifications_recipient` ON `notifications` (`project_id`,`recipient_id`,`id`) WHERE "notifications"."recipient_id" is not null;--> statement-breakpoint
CREATE TABLE `projects` (
	`id` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `projects_key` ON `projects` (`key`);--> statement-breakpoint
CREATE TABLE `recipients` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`external_id` text NOT NULL,
	`name` text,
	`email` text,
	`locale` text,
	`timezone` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `recipients_external_id` ON `recipients` (`project_id`,`external_id`);--> statement-breakpoint
CREATE TABLE `sequences` (
	`name` text PRIMARY KEY NOT NULL,
	`value` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `templates` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`key` text NOT NULL,
	`version` integer NOT NULL,
	`category` text,
	`on_ambiguous` text NOT NULL,
	`variables` text NOT NULL,
	`content` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `templates_version` ON `templates` (`project_id`,`key`,`version`);