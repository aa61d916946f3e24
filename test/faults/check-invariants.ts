import {
  type AttemptOutcome,
  deliveredStatuses,
  hasEnded,
  type MessageStatus,
  messageStatuses,
  transitions,
} from '@tidings/contracts';
import { exitsCleanly, keepsTheLimit, tellsNobody } from './check-processes.ts';
import type { ClientRequest, Fault, History, RecordedMessage, Violation } from './history.ts';

/**
 * Holds a run to the invariants. It believes none of the three records: what SQL says of itself, such as a lost
 * attempt, excuses nothing; only an injected fault does.
 */
export function checkInvariants(history: History): Violation[] {
  return [
    ...acceptedEnds(history),
    ...onlyAcceptedIsSent(history),
    ...copiesHaveCauses(history),
    ...copiesAreEqual(history),
    ...statusesGoForward(history),
    ...attemptsHaveNoGaps(history),
    ...keysMakeOneNotification(history),
    ...budgetsHold(history),
    ...sumsAreEqual(history),
    ...drainsByItself(history),
    ...keepsTheLimit(history),
    ...tellsNobody(history),
    ...exitsCleanly(history),
  ];
}

function* acceptedEnds({ record, requests }: History): Generator<Violation> {
  const known = new Map(record.messages.map((message) => [message.id, message]));
  const notifications = new Set(record.notifications.map(({ id }) => id));
  for (const { key, notificationId = '', messageIds } of requests.filter(isAccepted)) {
    if (!notifications.has(notificationId))
      yield { invariant: 'I1', what: `${notificationId} (${key}) was accepted and is not on record` };
    for (const id of messageIds.filter((one) => !known.has(one)))
      yield { invariant: 'I1', what: `${id} (${key}) was accepted and is not on record` };
  }
  for (const { id, status, endedAt } of record.messages) {
    if (!hasEnded(status)) yield { invariant: 'I1', what: `${id} is still ${status}` };
    else if (endedAt === null) yield { invariant: 'I1', what: `${id} is ${status} but has no end` };
  }
}

function* onlyAcceptedIsSent({ record, copies }: History): Generator<Violation> {
  const known = new Map(record.messages.map((message) => [message.id, message]));
  for (const [id, theirs] of Map.groupBy(copies, ({ messageId }) => messageId)) {
    const message = known.get(id);
    if (message === undefined) yield { invariant: 'I2', what: `${id} was sent and never accepted` };
    else if (theirs.length > message.attempts.length)
      yield {
        invariant: 'I2',
        what: `${id} was sent ${theirs.length} times in ${message.attempts.length} attempts`,
      };
  }
}

/** Ends that say that it did not arrive. What bounced, or is suppressed for that, cannot have. */
const saysNo: readonly MessageStatus[] = ['failed', 'canceled', 'expired', 'skipped'];

function* copiesHaveCauses({ record, copies, faults }: History): Generator<Violation> {
  const byMessage = Map.groupBy(copies, ({ messageId }) => messageId);
  for (const message of record.messages) {
    const count = byMessage.get(message.id)?.length ?? 0;
    const causes = faults.filter((fault) => fault.ambiguous && hits(fault, message)).length;
    const due = isDelivered(message.status) ? 1 : 0;
    if (count < due) yield { invariant: 'I3', what: `${message.id} is ${message.status} and never arrived` };
    const inDoubt = message.attempts.some(({ outcome }) => outcome === 'ambiguous' || outcome === 'lost');
    if (saysNo.includes(message.status) && inDoubt)
      yield { invariant: 'I3', what: `${message.id} is called ${message.status}, and may have arrived` };
    if (count > due + causes)
      yield {
        invariant: 'I3',
        what: `${message.id} is ${message.status} and arrived ${count} times, hit by ${causes} faults`,
      };
  }
}

function* copiesAreEqual({ copies }: History): Generator<Violation> {
  for (const [id, theirs] of Map.groupBy(copies, ({ messageId }) => messageId)) {
    const identities = new Set(theirs.map(({ identity }) => identity));
    if (identities.size > 1)
      yield { invariant: 'I4', what: `copies of ${id} differ: ${[...identities].join(' | ')}` };
    if (new Set(theirs.map(({ body }) => body)).size > 1)
      yield { invariant: 'I4', what: `copies of ${id} have different bodies` };
  }
}

function* statusesGoForward({ record, sightings = [] }: History): Generator<Violation> {
  const seen = Map.groupBy(sightings, ({ messageId }) => messageId);
  for (const { id, status } of record.messages) {
    const path = [...(seen.get(id) ?? []).map((sighting) => sighting.status), status];
    for (const [index, to] of path.entries()) {
      const from = path[index - 1] ?? to;
      if (!leadsTo(from, to)) yield { invariant: 'I5', what: `${id} went back from ${from} to ${to}` };
    }
  }
}

function* attemptsHaveNoGaps({ record }: History): Generator<Violation> {
  for (const { id, attempts, status } of record.messages) {
    const numbers = attempts.map(({ number }) => number);
    if (numbers.some((number, index) => number !== index + 1))
      yield { invariant: 'I5', what: `${id} has the attempts ${numbers.join(', ')}` };
    if (hasEnded(status) && attempts.some(({ outcome }) => outcome === 'started'))
      yield { invariant: 'I5', what: `${id} is ${status} with an attempt still open` };
    const success = attempts.find(({ outcome }) => outcome === 'sent');
    const later = attempts.find(({ startedAt }) => startedAt > (success?.finishedAt ?? Infinity));
    if (success !== undefined && later !== undefined)
      yield { invariant: 'I5', what: `${id}: attempt ${later.number} began after a success was recorded` };
  }
}

function* keysMakeOneNotification({ record, requests }: History): Generator<Violation> {
  const stored = Map.groupBy(record.notifications, ({ idempotencyKey }) => idempotencyKey);
  for (const [key, theirs] of stored) {
    if (key !== null && theirs.length > 1)
      yield { invariant: 'I6', what: `${key} made ${theirs.length} notifications` };
  }
  for (const [key, theirs] of Map.groupBy(requests, (request) => request.key)) {
    const accepted = theirs.filter(isAccepted);
    const answers = new Set(accepted.map((one) => [one.notificationId, ...one.messageIds].join(' ')));
    if (answers.size > 1)
      yield { invariant: 'I6', what: `${key} had ${answers.size} answers: ${[...answers].join(' | ')}` };
    const bodies = new Set(accepted.map(({ bodyHash }) => bodyHash));
    if (bodies.size > 1) yield { invariant: 'I6', what: `${key} was accepted with different bodies` };
    const refused = theirs.filter(({ status }) => status === 422);
    if (refused.some(({ bodyHash }) => bodies.has(bodyHash)))
      yield { invariant: 'I6', what: `${key} was refused for the body that it was accepted with` };
  }
}

/** What counts against the budget: not being throttled or held, and not the death of a worker. */
const counting: readonly AttemptOutcome[] = ['transient', 'ambiguous', 'rejected', 'bounced'];

function* budgetsHold({ record, maxFailures }: History): Generator<Violation> {
  for (const { id, failures, attempts } of record.messages) {
    const counted = attempts.filter(({ outcome }) => counting.includes(outcome)).length;
    if (failures > maxFailures)
      yield { invariant: 'I7', what: `${id} has ${failures} failures of ${maxFailures}` };
    if (failures > counted)
      yield { invariant: 'I7', what: `${id} has ${failures} failures in ${counted} failed attempts` };
  }
}

function* sumsAreEqual({ record, requests }: History): Generator<Violation> {
  const { messages, notifications, counts } = record;
  const sum = messageStatuses.reduce((total, status) => total + (counts[status] ?? 0), 0);
  if (sum !== messages.length)
    yield { invariant: 'I9', what: `${messages.length} messages on record, ${sum} by status` };
  const accepted = new Set(requests.filter(isAccepted).flatMap(({ messageIds }) => messageIds));
  if (accepted.size > sum)
    yield { invariant: 'I9', what: `${accepted.size} messages accepted, ${sum} on record` };
  const whole = new Set(messages.map(({ notificationId }) => notificationId));
  for (const { id } of notifications.filter((one) => !whole.has(one.id)))
    yield { invariant: 'I9', what: `${id} has no message: half of an accept was stored` };
}

function* drainsByItself({ record, drain }: History): Generator<Violation> {
  if (drain === undefined) return;
  for (const { id, endedAt } of record.messages) {
    const late = (endedAt ?? Infinity) - drain.from;
    if (late > drain.withinMs)
      yield { invariant: 'I10', what: `${id} ended ${late} ms after the faults, not ${drain.withinMs}` };
  }
}

function isAccepted({ status = 0 }: ClientRequest): boolean {
  return status >= 200 && status < 300;
}

function isDelivered(status: MessageStatus): boolean {
  return (deliveredStatuses as readonly MessageStatus[]).includes(status);
}

function hits({ from, to, messageIds }: Fault, { id, attempts }: RecordedMessage): boolean {
  if (messageIds !== undefined) return messageIds.includes(id);
  return attempts.some(({ startedAt, finishedAt }) => startedAt <= to && (finishedAt ?? Infinity) >= from);
}

/** Can a message that was seen in one status be in the other later, when nobody replays it? */
function leadsTo(from: MessageStatus, to: MessageStatus): boolean {
  const reached = new Set([from]);
  for (const status of reached) {
    for (const next of transitions[status]) {
      if (!(hasEnded(status) && next === 'queued')) reached.add(next);
    }
  }
  return reached.has(to);
}
