DROP INDEX `suppressions_address`;--> statement-breakpoint
CREATE UNIQUE INDEX `suppressions_address` ON `suppressions` (`address_hash`,`project_id`,`channel`,`category`);