CREATE TABLE `replays` (
	`message_id` text NOT NULL,
	`generation` integer NOT NULL,
	`at` integer NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`ended_at` integer,
	PRIMARY KEY(`message_id`, `generation`),
	FOREIGN KEY (`message_id`) REFERENCES `messages`(`id`) ON UPDATE no action ON DELETE no action
);
