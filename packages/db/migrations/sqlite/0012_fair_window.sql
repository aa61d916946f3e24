DROP INDEX `messages_waiting`;--> statement-breakpoint
CREATE INDEX `messages_waiting` ON `messages` (`place`,`channel`,`lane`,`project_id`,`due_at`,`id`) WHERE "messages"."place" is not null;