-- What there was before there were drafts is published, and the newest version of each is in use.
UPDATE `templates` SET `published_at` = `created_at`, `updated_at` = `created_at`;--> statement-breakpoint
INSERT INTO `published_templates` (`project_id`, `key`, `template_id`, `updated_at`)
SELECT `project_id`, `key`, `id`, `created_at` FROM `templates` AS `t`
WHERE `version` = (SELECT max(`version`) FROM `templates` AS `o` WHERE `o`.`project_id` = `t`.`project_id` AND `o`.`key` = `t`.`key`);
