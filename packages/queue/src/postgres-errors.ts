import pg from 'pg';

/**
 * Whether a statement failed because its connection was lost or could not be made. All that the server itself
 * refuses is a DatabaseError; of those, class 08 and 57P01–03 say that it is going or starting, 53300 that it
 * has no connection to give, 25006 that this server has become a replica (PostgreSQL manual, appendix A).
 */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return /^(08...|57P0[123]|53300|25006)$/.test(error.code ?? '');
}

/** Whether the server undid the statement only because of others at work: deadlock, serialization failure. */
export function isContention(error: unknown): boolean {
  return codeOf(error) === '40P01' || codeOf(error) === '40001';
}

/** Whether BullMQ's schema, or something in it, is not there: somebody has dropped it. */
export function isSchemaGone(error: unknown): boolean {
  return ['3F000', '42P01', '42883', '42704'].includes(codeOf(error) ?? '');
}

const codeOf = (error: unknown) => (error instanceof pg.DatabaseError ? error.code : undefined);
