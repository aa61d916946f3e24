import { defaultRetention, type ProjectView } from '@tidings/contracts';
import type { ProjectRow } from '@tidings/db';
import { isoOrNull, toIso } from '../iso.ts';

/** A project as the API shows it, with the retention that holds for it. */
export function viewProject(project: ProjectRow): ProjectView {
  const { id, key, name, defaultLocale, timezone } = project;
  return {
    id,
    key,
    name,
    defaultLocale,
    timezone,
    retention: { ...defaultRetention, ...project.retention },
    createdAt: toIso(project.createdAt),
    archivedAt: isoOrNull(project.archivedAt),
  };
}
