import { isHappening, TidingsError, upsertEventType } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { newId } from '@tidings/runtime';
import type { Schemas } from '@tidings/templates';
import { actorOf, mutation } from '../operations.ts';
import type { DeclaredTypes } from './declared.ts';
import { viewEventType } from './view.ts';

const typesAtMost = 500;

/** `eventTypes.upsert`. The schema has the bounds of templates' schemas: what is published is checked against it. */
export const upsert = (options: { store: Store; schemas: Schemas; declared: DeclaredTypes }) =>
  mutation(upsertEventType, async (input, context) => {
    const { store, schemas, declared } = options;
    const { projectId } = context.principal;
    const { type, schema } = input;
    if (isHappening(type)) {
      const errors = [{ pointer: '/type', detail: 'is what Tidings itself tells of' }];
      throw new TidingsError('reserved_event_type', { errors });
    }
    const faults = schema === undefined || schema === null ? [] : schemas.faults(schema, '/schema');
    if (faults.length > 0) throw new TidingsError('invalid_event_schema', { errors: faults });
    const known = await store.eventTypesOf(projectId);
    if (known.length >= typesAtMost && !known.some((one) => one.type === type)) {
      throw new TidingsError('too_many_event_types', {
        detail: `A project declares at most ${typesAtMost} types of events`,
      });
    }
    const put = { ...input, projectId, auditId: newId('audit') };
    const row = await store.putEventType(actorOf(context), put);
    declared.forget(projectId, type);
    return viewEventType(row);
  });
