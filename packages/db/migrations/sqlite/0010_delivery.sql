CREATE TABLE `feedback` (
	`message_id` text NOT NULL,
	`type` text NOT NULL,
	`event_id` text NOT NULL,
	`source` text NOT NULL,
	`code` text,
	`response` text,
	`at` integer NOT NULL,
	`received_at` integer NOT NULL,
	PRIMARY KEY(`message_id`, `type`, `event_id`),
	FOREIGN KEY (`message_id`) REFERENCES `messages`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
DROP INDEX `messages_waiting`;--> statement-breakpoint
ALTER TABLE `messages` ADD `template_id` text;--> statement-breakpoint
CREATE INDEX `messages_dead` ON `messages` (`project_id`,`id`) WHERE "messages"."place" is null and "messages"."reason" not in ('no_address', 'no_device', 'opted_out', 'no_provider', 'hard_bounce', 'complaint', 'unsubscribed', 'manual', 'erased', 'canceled_by_request');--> statement-breakpoint
CREATE INDEX `messages_waiting` ON `messages` (`place`,`channel`,`lane`,`project_id`,`due_at`,`id`) WHERE "messages"."place" is not null;--> statement-breakpoint
CREATE TABLE `__new_suppressions` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`channel` text NOT NULL,
	`address_hash` text NOT NULL,
	`category` text DEFAULT '' NOT NULL,
	`address` text,
	`reason` text NOT NULL,
	`note` text,
	`message_id` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
INSERT INTO `__new_suppressions`("id", "project_id", "channel", "address_hash", "category", "address", "reason", "note", "message_id", "created_at") SELECT 'sup_' || substr("address_hash", 1, 32), "project_id", "channel", "address_hash", '', "address", "reason", NULL, NULL, "created_at" FROM `suppressions`;--> statement-breakpoint
DROP TABLE `suppressions`;--> statement-breakpoint
ALTER TABLE `__new_suppressions` RENAME TO `suppressions`;--> statement-breakpoint
CREATE UNIQUE INDEX `suppressions_address` ON `suppressions` (`address_hash`,`project_id`,`channel`,`category`);--> statement-breakpoint
CREATE INDEX `suppressions_project` ON `suppressions` (`project_id`,`id`);--> statement-breakpoint
ALTER TABLE `replays` ADD `template_id` text;--> statement-breakpoint
CREATE INDEX `attempts_provider_message` ON `attempts` (`provider_message_id`) WHERE "attempts"."provider_message_id" is not null;