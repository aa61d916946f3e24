CREATE TABLE "providers" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"shown" json NOT NULL,
	"sealed" text NOT NULL,
	"per_second" integer,
	"enabled" boolean DEFAULT true NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "routes" (
	"project_id" text NOT NULL,
	"channel" text NOT NULL,
	"provider_ids" json NOT NULL,
	"updated_at" bigint NOT NULL,
	CONSTRAINT "routes_project_id_channel_pk" PRIMARY KEY("project_id","channel")
);
--> statement-breakpoint
ALTER TABLE "attempts" ADD COLUMN "provider_message_id" text;--> statement-breakpoint
ALTER TABLE "providers" ADD CONSTRAINT "providers_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "routes" ADD CONSTRAINT "routes_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "providers_name" ON "providers" USING btree ("project_id","name");