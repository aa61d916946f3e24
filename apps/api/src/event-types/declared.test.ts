import type { EventTypeRow } from '@tidings/db';
import { createSchemas } from '@tidings/templates';
import { beforeEach, expect, test } from 'vitest';
import { createDeclaredTypes } from './declared.ts';

let rows: Map<string, EventTypeRow>;
let asked: string[];
let outage: Error | undefined;
beforeEach(() => {
  rows = new Map();
  asked = [];
  outage = undefined;
});

function declare(type: string, schema: EventTypeRow['schema']): void {
  rows.set(type, { projectId: 'prj_1', type, description: null, schema, createdAt: 0, updatedAt: 0 });
}

function open(cacheMs: number) {
  const findEventType = async (_: string, type: string) => {
    asked.push(type);
    if (outage !== undefined) throw outage;
    return rows.get(type);
  };
  return createDeclaredTypes({ store: { findEventType }, schemas: createSchemas(), cacheMs });
}

const strict = { required: ['orderId'] };

test('a type is asked for once in its time, declared or not, by however many at once', async () => {
  const declared = open(3_600_000);
  declare('strict', strict);
  const checks = await Promise.all(Array.from({ length: 100 }, () => declared.checkOf('prj_1', 'strict')));
  for (const check of checks) expect(check?.({})).toMatchObject([{ pointer: '/data/orderId' }]);
  for (let index = 0; index < 3; index += 1) expect(await declared.checkOf('prj_1', 'any')).toBeUndefined();
  expect(asked).toEqual(['strict', 'any']);
});

test('what is declared otherwise holds at once where it was done, and elsewhere when the time is over', async () => {
  const [here, elsewhere] = [open(3_600_000), open(0)];
  for (const declared of [here, elsewhere]) expect(await declared.checkOf('prj_1', 'x')).toBeUndefined();
  declare('x', strict);
  here.forget('prj_1', 'x');
  for (const declared of [here, elsewhere])
    expect((await declared.checkOf('prj_1', 'x'))?.({})).toHaveLength(1);
  declare('x', { required: ['total'] });
  expect((await here.checkOf('prj_1', 'x'))?.({})).toMatchObject([{ pointer: '/data/orderId' }]);
  expect((await elsewhere.checkOf('prj_1', 'x'))?.({})).toMatchObject([{ pointer: '/data/total' }]);
});

test('what could not be asked is asked again', async () => {
  const declared = open(3_600_000);
  outage = new Error('the record is away');
  await expect(declared.checkOf('prj_1', 'x')).rejects.toBe(outage);
  outage = undefined;
  expect(await declared.checkOf('prj_1', 'x')).toBeUndefined();
});
