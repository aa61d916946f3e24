DROP INDEX `invitations_email`;--> statement-breakpoint
-- Of several that are open at once the newest stays.
UPDATE invitations SET revoked_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) WHERE accepted_at IS NULL AND revoked_at IS NULL AND EXISTS (SELECT 1 FROM invitations AS newer WHERE newer.email = invitations.email AND newer.accepted_at IS NULL AND newer.revoked_at IS NULL AND newer.id > invitations.id);--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_pending` ON `invitations` (`email`) WHERE "invitations"."accepted_at" is null and "invitations"."revoked_at" is null;