DROP INDEX "events_subject";--> statement-breakpoint
CREATE INDEX "copies_project" ON "copies" USING btree ("project_id","id");--> statement-breakpoint
CREATE INDEX "events_subject" ON "events" USING btree ("project_id","subject","id") WHERE "events"."subject" is not null;