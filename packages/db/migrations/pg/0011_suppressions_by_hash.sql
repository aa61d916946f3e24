DROP INDEX "suppressions_address";--> statement-breakpoint
CREATE UNIQUE INDEX "suppressions_address" ON "suppressions" USING btree ("address_hash","project_id","channel","category");