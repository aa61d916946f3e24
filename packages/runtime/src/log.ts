import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child'>;

/**
 * JSON lines on standard output. Only what a call names is logged: never a payload, an address, a key or a
 * template's data. Errors are reduced to their name, message, code and stack.
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

/** What is logged of an error. */
export function describeError(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, stack } = error;
  return {
    name,
    message: withoutValues(error.message),
    stack: stack && withoutValues(stack),
    code: codeOf(error),
  };
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code;
}

/** A database error may quote the values of its statement, which are somebody's name and address. */
function withoutValues(text: string): string {
  return text.replaceAll(/\nparams:[^\n]*/g, '');
}
