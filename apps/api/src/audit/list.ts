import { type AuditEntry, listAudit } from '@tidings/contracts';
import type { AuditRow, Store } from '@tidings/db';
import { toIso } from '../iso.ts';
import { query } from '../operations.ts';
import { toPage } from '../page.ts';
import { requireAccess } from '../principal.ts';

/** `audit.list`. The instance's trail is for admins only, that of a project for whoever manages it. */
export const list = (store: Store) =>
  query(listAudit, async ({ of, ...filters }, { principal }) => {
    if (of === 'instance') requireAccess(principal, { role: 'admin' });
    const projectId = of === 'instance' ? null : principal.projectId;
    return toPage(await store.listAudit(projectId, filters), filters, viewAuditRow);
  });

function viewAuditRow(row: AuditRow): AuditEntry {
  const { id, address, requestId, action, target, fields } = row;
  const actor = { kind: row.actorKind, id: row.actorId };
  return { id, at: toIso(row.at), actor, address, requestId, action, target, fields };
}
