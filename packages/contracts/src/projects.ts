/** Days that a project keeps things for; null keeps them for ever. */
export interface Retention {
  /** Notifications with their messages and attempts. */
  notificationsDays: number | null;
  /** Content, data, metadata and addresses of notifications that have ended. */
  payloadsDays: number | null;
  /** Attempts of messages that have ended. */
  attemptsDays: number | null;
  /** How long a repeated request gets the first answer. */
  idempotencyKeysDays: number | null;
  auditDays: number | null;
}

/** What holds for whatever a project's own rules leave open. */
export const defaultRetention: Readonly<Retention> = {
  notificationsDays: 90,
  payloadsDays: 30,
  attemptsDays: 90,
  idempotencyKeysDays: 7,
  auditDays: 365,
};
