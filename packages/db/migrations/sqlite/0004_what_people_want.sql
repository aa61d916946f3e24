CREATE TABLE `erasures` (
	`recipient_id` text PRIMARY KEY NOT NULL,
	`project_id` text NOT NULL,
	`step` text NOT NULL,
	`cursor` text,
	`addresses` text NOT NULL,
	`due_at` integer NOT NULL,
	FOREIGN KEY (`recipient_id`) REFERENCES `recipients`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `erasures_due` ON `erasures` (`due_at`);--> statement-breakpoint
ALTER TABLE `devices` ADD `keys` text;--> statement-breakpoint
ALTER TABLE `messages` ADD `deferred_at` integer;--> statement-breakpoint
ALTER TABLE `projects` ADD `suppression_key` text;