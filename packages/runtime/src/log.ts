import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;

/**
 * JSON lines on standard output. Only what a call names is logged: never a payload, an address, a key or a
 * template's data. Errors are reduced to their name, message, code and stack, and what caused them without its stack.
 */
export function createLog(options: { level: string; name: string }): Log {
  return pino({
    level: options.level,
    name: options.name,
    base: { pid: process.pid },
    serializers: { err: describeError },
  });
}

/** A log that says nothing, for tests and one-off commands. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}

/** An error as it may be told. */
interface ToldError {
  name?: string;
  message: string;
  code?: unknown;
  stack?: string | undefined;
  cause?: Omit<ToldError, 'stack' | 'cause'>;
}

/** What is logged of an error. */
export function describeError(error: unknown): ToldError {
  if (!(error instanceof Error)) return { message: String(error) };
  const { stack, cause } = error;
  return {
    ...inShort(error),
    stack: stack && withoutValues(stack),
    ...(cause instanceof Error && { cause: inShort(cause) }),
  };
}

function inShort(error: Error): Omit<ToldError, 'stack' | 'cause'> {
  return { name: error.name, message: withoutValues(error.message), code: codeOf(error) };
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code;
}

/**
 * A database error may quote the values of its statement, which are somebody's name and address. They may have line
 * ends of their own: only the frames of the stack come after them.
 */
function withoutValues(text: string): string {
  return text.replaceAll(/\nparams:[\s\S]*?(?=\n {4}at |$)/g, '');
}
