import type { Log } from './log.ts';

/** Thrown with every unsafe setting at once. */
export class UnsafeSettingsError extends Error {
  readonly faults: string[];
  constructor(faults: string[]) {
    super(
      `NODE_ENV is production, and ${faults.length} setting(s) could lose what was accepted:\n` +
        faults.map((fault) => `  ${fault}`).join('\n'),
    );
    this.name = 'UnsafeSettingsError';
    this.faults = faults;
  }
}

/** Something whose settings can be read back, such as a database or a queue. */
export interface Checked {
  /** What is unsafe, a sentence for each fault. Rejects while it does not answer. */
  settingFaults(): Promise<string[]>;
}

/**
 * Reads back the settings that the promises stand on. In production an unsafe one is a reason not to start;
 * otherwise it is only told. What does not answer is told too and not waited for: a queue that is away must
 * not keep anything from being accepted.
 *
 * @throws UnsafeSettingsError naming every fault of every part.
 */
export async function refuseUnsafe(options: {
  nodeEnv: string;
  log: Log;
  parts: Record<string, Checked>;
}): Promise<void> {
  const { nodeEnv, log, parts } = options;
  const found = await Promise.all(
    Object.entries(parts).map(([part, checked]) =>
      checked.settingFaults().catch((err) => {
        log.warn({ err, part }, 'its settings could not be read, so nobody knows whether they are safe');
        return [];
      }),
    ),
  );
  const faults = found.flat();
  if (faults.length > 0 && nodeEnv === 'production') throw new UnsafeSettingsError(faults);
  for (const fault of faults) log.warn({ fault }, 'unsafe; with NODE_ENV=production this would not start');
}
