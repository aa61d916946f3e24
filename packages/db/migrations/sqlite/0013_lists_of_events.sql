DROP INDEX `events_subject`;--> statement-breakpoint
CREATE INDEX `events_subject` ON `events` (`project_id`,`subject`,`id`) WHERE "events"."subject" is not null;--> statement-breakpoint
CREATE INDEX `copies_project` ON `copies` (`project_id`,`id`);