import type { ConnectionOptions } from 'node:tls';
import { parseSmtpUrl } from '@tidings/runtime';
import { SmtpFailure } from './smtp-failures.ts';
import { createSmtpSession, type SmtpSession, type SmtpTimeouts } from './smtp-session.ts';

export interface SmtpConnectionsOptions extends Partial<SmtpTimeouts> {
  /** As `parseSmtpUrl` reads it. */
  url: string;
  maxConnections?: number;
  /** After so many messages a connection is replaced. */
  maxMessages?: number;
  idleMs?: number;
  /** For all of a probe: TCP, TLS, greeting and AUTH. */
  probeTimeoutMs?: number;
  /** How long `close` waits for what is being sent before it cuts the connection. */
  closeTimeoutMs?: number;
  /** Joined to what the URL says. */
  tls?: ConnectionOptions;
}

/** What becomes of a connection: used again, used again after RSET, or cut. */
export type AfterUse = 'keep' | 'reset' | 'drop';

/** A connection of one's own until `release`, which must be called exactly once. */
export interface SmtpLease {
  readonly session: SmtpSession;
  /** It has waited idle, so the server may have closed it meanwhile. */
  readonly reused: boolean;
  release(after: AfterUse): void;
}

export interface SmtpConnections {
  /**
   * An idle connection or a new one; with `fresh` always a new one. Callers beyond the maximum wait in order.
   * Rejects with `SmtpFailure` when no connection can be opened.
   */
  acquire(options?: { fresh?: boolean }): Promise<SmtpLease>;
  /**
   * Opens a connection and ends it: one more than the maximum, so that it waits for no send. Rejects with
   * `SmtpFailure`, within `probeTimeoutMs`.
   */
  probe(): Promise<void>;
  /** Ends idle connections now, the others when they are released or `closeTimeoutMs` has passed. */
  close(): Promise<void>;
}

/**
 * Keeps connections for reuse. Nodemailer's own pool is not used: it puts a message whose connection closed
 * back into its queue without end, which could deliver it twice.
 */
export function createSmtpConnections({
  url,
  maxConnections = 16,
  maxMessages = 100,
  idleMs = 30_000,
  probeTimeoutMs = 10_000,
  connectTimeoutMs = 10_000,
  greetingTimeoutMs = 30_000,
  // RFC 5321 §4.5.3.2.6: ten minutes for the reply to the final dot.
  socketTimeoutMs = 600_000,
  closeTimeoutMs = 5_000,
  tls = {},
}: SmtpConnectionsOptions): SmtpConnections {
  const parsed = parseSmtpUrl(url);
  const endpoint = { ...parsed, tls: { ...parsed.tls, ...tls } };
  const timeouts = { connectTimeoutMs, greetingTimeoutMs, socketTimeoutMs };
  /** Every session that is not over, with the number of times it was leased. */
  const sessions = new Map<SmtpSession, number>();
  const idle = new Map<SmtpSession, NodeJS.Timeout>();
  const waiting: PromiseWithResolvers<void>[] = [];
  const allEnded = Promise.withResolvers<void>();
  let freeSlots = maxConnections;
  let closed = false;

  async function acquire({ fresh = false } = {}): Promise<SmtpLease> {
    await takeSlot();
    const kept = fresh ? undefined : newestIdle();
    const session = kept ?? (await openSession().catch(giveUpSlot));
    sessions.set(session, (sessions.get(session) ?? 0) + 1);
    return { session, reused: kept !== undefined, release: (after) => void release(session, after) };
  }

  /** @param deadlineMs for all of it, however long each step may take */
  async function openSession(deadlineMs?: number): Promise<SmtpSession> {
    // Reached only with no idle session left, or with those under the suspicion of being dead.
    for (const session of idle.keys()) session.drop();
    const session = createSmtpSession({ endpoint, ...timeouts, onEnd: () => forget(session) });
    sessions.set(session, 0);
    const timer = deadlineMs && setTimeout(session.drop, deadlineMs);
    try {
      if (closed) throw closedFailure();
      await session.open();
      return session;
    } catch (failure) {
      session.drop();
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  async function probe(): Promise<void> {
    const session = await openSession(probeTimeoutMs);
    void session.quit();
  }

  /** Holds the slot until the connection is idle or over, so that the maximum is what the server sees. */
  async function release(session: SmtpSession, after: AfterUse): Promise<void> {
    if (after === 'drop') session.drop();
    if (after === 'reset') await session.reset().catch(() => session.drop());
    const wornOut = closed || (sessions.get(session) ?? 0) >= maxMessages;
    if (wornOut) await session.quit();
    if (session.alive) keepIdle(session);
    freeSlot();
  }

  function keepIdle(session: SmtpSession): void {
    const timer = setTimeout(() => {
      idle.delete(session);
      void session.quit();
    }, idleMs);
    timer.unref();
    idle.set(session, timer);
  }

  // The newest is the least likely to be dead, and lets the others become idle enough to end.
  function newestIdle(): SmtpSession | undefined {
    const session = [...idle.keys()].at(-1);
    if (session) clearTimeout(idle.get(session));
    if (session) idle.delete(session);
    return session;
  }

  function forget(session: SmtpSession): void {
    clearTimeout(idle.get(session));
    idle.delete(session);
    sessions.delete(session);
    if (closed && sessions.size === 0) allEnded.resolve();
  }

  function takeSlot(): Promise<void> {
    if (closed) return Promise.reject(closedFailure());
    if (freeSlots > 0) {
      freeSlots -= 1;
      return Promise.resolve();
    }
    const turn = Promise.withResolvers<void>();
    waiting.push(turn);
    return turn.promise;
  }

  function freeSlot(): void {
    const next = waiting.shift();
    if (next) next.resolve();
    else freeSlots += 1;
  }

  function giveUpSlot(failure: unknown): never {
    freeSlot();
    throw failure;
  }

  async function close(): Promise<void> {
    closed = true;
    for (const turn of waiting.splice(0)) turn.reject(closedFailure());
    if (sessions.size === 0) return;
    for (const session of [...idle.keys()]) {
      clearTimeout(idle.get(session));
      idle.delete(session);
      void session.quit();
    }
    const cut = setTimeout(() => {
      for (const session of [...sessions.keys()]) session.drop();
    }, closeTimeoutMs);
    await allEnded.promise;
    clearTimeout(cut);
  }

  return { acquire, probe, close };
}

function closedFailure(): SmtpFailure {
  return new SmtpFailure(
    'connect',
    Object.assign(new Error('The SMTP provider is closed'), { code: 'ECLOSED' }),
  );
}
