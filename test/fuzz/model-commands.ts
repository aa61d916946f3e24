import { hasEnded, type MessageStatus, notificationStatus } from '@tidings/contracts';
import fc from 'fast-check';
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { answers, type Known, known, mayFollow, type ProviderAnswer } from './model.ts';
import type { System } from './model-system.ts';

/** One notification of a run: what was sent, and what is known of its only message. */
export interface Sent {
  id: string;
  messageId: string;
  body: object;
  key: string;
  known: Known;
}

/** What a run knows of the system. */
export interface Model {
  sent: Sent[];
  workers: number;
  paused: boolean;
}

type Command = fc.AsyncCommand<Model, System>;

/** A command by its name and what it does; `when` says whether it can be done. */
function command(
  name: string,
  run: (model: Model, system: System) => Promise<void>,
  when: (model: Model) => boolean = () => true,
): Command {
  return { check: when, run, toString: () => name };
}

const hourMs = 3_600_000;
const anySent = ({ sent }: Model) => sent.length > 0;

/** The message that a number stands for. */
function pick({ sent }: Model, which: number): Sent {
  const found = sent[which % sent.length];
  if (found === undefined) throw new Error('nothing was sent');
  return found;
}

function saw(known: Known, status: MessageStatus): void {
  expect(mayFollow(known, status), `${known.seen} → ${status}`).toBe(true);
  known.seen = status;
  known.mayHaveLeftEnd = known.doubts > 0;
}

async function look(system: System, { id, known }: Sent): Promise<MessageStatus> {
  const { status, body } = await system.call('GET', `/v1/notifications/${id}`);
  expect(status).toBe(200);
  const [message] = body.messages as Array<{ status: MessageStatus }>;
  if (message === undefined) throw new Error(`${id} has no message`);
  saw(known, message.status);
  expect(body.status).toBe(notificationStatus([message.status]));
  return message.status;
}

interface Asked {
  script: ProviderAnswer[];
  holds: boolean;
  scheduled: boolean;
  expires: boolean;
  lane: string;
}

const send = (asked: Asked) =>
  command(`send ${JSON.stringify(asked)}`, async (model, system) => {
    const { key, email } = system.next(asked.script);
    const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
    const body = {
      to: { email },
      ...(asked.holds ? { template: 'held_in_doubt' } : { content: { email: { subject: 's', text: 't' } } }),
      lane: asked.lane,
      ...(asked.scheduled && { sendAt: inMs(hourMs / 2) }),
      ...(asked.expires && { expiresAt: inMs((hourMs * 3) / 4) }),
    };
    const answer = await system.call('POST', '/v1/notifications', body, { 'idempotency-key': key });
    expect(answer.status).toBe(202);
    const [message] = answer.body.messages as Array<{ id: string; status: MessageStatus }>;
    // A critical message has an hour anyway.
    const expected = known({ ...asked, expires: asked.expires || asked.lane === 'critical' });
    expect(message?.status).toBe(expected.seen);
    model.sent.push({ id: String(answer.body.id), messageId: message?.id ?? '', body, key, known: expected });
  });

const sendAgain = (which: number, same: boolean) =>
  command(
    `send #${which} again ${same ? 'as it was' : 'with another body'}`,
    async (model, system) => {
      const { id, messageId, body, key } = pick(model, which);
      const again = same ? body : { ...body, metadata: { other: true } };
      const answer = await system.call('POST', '/v1/notifications', again, { 'idempotency-key': key });
      if (!same) expect(answer).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
      else expect(answer).toMatchObject({ status: 202, body: { id, messages: [{ id: messageId }] } });
      if (same) expect(answer.headers.get('idempotent-replayed')).toBe('true');
    },
    anySent,
  );

const cancel = (which: number) =>
  command(
    `cancel #${which}`,
    async (model, system) => {
      const sent = pick(model, which);
      const { id, known } = sent;
      const answer = await system.call('POST', `/v1/notifications/${id}/cancel`);
      expect(answer.status).toBe(200);
      const [message] = answer.body.messages as Array<{ result: 'canceled' | 'pending' | 'too_late' }>;
      if (message?.result === 'pending') known.cancel = 'pending';
      if (message?.result === 'too_late' && (await look(system, sent)) === 'unknown')
        known.cancel = 'in_doubt';
      if (message?.result !== 'canceled') return;
      saw(known, 'canceled');
      known.cancel = 'canceled';
    },
    anySent,
  );

const get = (which: number) =>
  command(`get #${which}`, async (model, system) => void (await look(system, pick(model, which))), anySent);

const list = command('list', async (model, system) => {
  expect(await system.list()).toEqual(model.sent.map(({ id }) => id).toReversed());
});

const replay = (which: number) =>
  command(
    `replay #${which}`,
    async (model, system) => {
      const sent = pick(model, which);
      const before = await look(system, sent);
      const replayed = await system.store.replay([sent.messageId]);
      if (before === 'sent') expect(replayed).toEqual([]);
      if (replayed.length === 0) return;
      sent.known.replays += 1;
      sent.known.mayHaveLeftEnd = true;
      sent.known.cancel = 'none';
    },
    anySent,
  );

/** Waits for an end where one must come by itself. */
const await_ = (which: number) =>
  command(
    `await #${which}`,
    async (model, system) => {
      const sent = pick(model, which);
      const { script, scheduled, timePassed } = sent.known;
      const comes =
        model.workers > 0 && !model.paused && !script.includes('waits') && (!scheduled || timePassed);
      if (comes) await until(() => look(system, sent), hasEnded);
    },
    anySent,
  );

/** A worker may have handed these over without anybody knowing. */
function inDoubt({ sent }: Model, ids: string[]): void {
  for (const { messageId, known } of sent) {
    if (!ids.includes(messageId)) continue;
    known.doubts += 1;
    known.mayHaveLeftEnd = true;
  }
}

export const startWorker = command(
  'start a worker',
  async (model, system) => {
    system.startWorker();
    model.workers += 1;
  },
  ({ workers }) => workers < 2,
);

export const killWorker = command(
  'kill a worker',
  async (model, system) => {
    inDoubt(model, await system.killWorker());
    model.workers -= 1;
  },
  ({ workers }) => workers > 0,
);

const loseLeases = command('every lease runs out, and old jobs claim the messages', async (model, system) => {
  inDoubt(model, await system.loseLeases());
  await system.bringOldJobs(model.sent.map(({ messageId }) => messageId));
});

const bringOldJobs = command('the queue brings back an old job of each message', async ({ sent }, system) => {
  await system.bringOldJobs(sent.map(({ messageId }) => messageId));
});

export const pause = (paused: boolean) =>
  command(paused ? 'pause the queues' : 'resume the queues', async (model, system) => {
    model.paused = paused;
    await system.pause(paused);
  });

const wipe = command('wipe the queue', async (model, system) => {
  model.paused = false;
  await system.wipe();
});

const passTime = command('an hour passes', async (model, system) => {
  await system.passTime(hourMs);
  for (const { known } of model.sent) known.timePassed = true;
});

const release = command('the provider answers what it had not: sent', async (_, system) => system.release());

const sends = fc
  .record<Asked>(
    {
      script: fc.array(fc.constantFrom(...answers), { maxLength: 5 }),
      holds: fc.boolean(),
      scheduled: fc.nat({ max: 3 }).map((number) => number === 0),
      expires: fc.boolean(),
      lane: fc.constantFrom('critical', 'high', 'normal', 'bulk'),
    },
    { noNullPrototype: true },
  )
  .map(send);

/** What a run begins with. */
export const firstSends = fc.array(sends, { minLength: 3, maxLength: 6 });

/** Sequences of everything that can be asked or happen. */
export function commands(maxCommands: number) {
  const which = fc.nat({ max: 20 });
  return fc.commands(
    [
      ...Array.from({ length: 3 }, () => sends),
      fc.tuple(which, fc.boolean()).map(([number, same]) => sendAgain(number, same)),
      which.map(cancel),
      which.map(get),
      fc.constant(list),
      ...Array.from({ length: 3 }, () => which.map(replay)),
      ...Array.from({ length: 3 }, () => which.map(await_)),
      ...Array.from({ length: 4 }, () => fc.constant(startWorker)),
      fc.constant(killWorker),
      fc.constant(loseLeases),
      fc.constant(bringOldJobs),
      fc.nat({ max: 3 }).map((number) => pause(number === 0)),
      fc.constant(wipe),
      fc.constant(passTime),
      fc.constant(release),
    ],
    { maxCommands, size: 'max' },
  );
}
