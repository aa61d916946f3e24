import { hasSharedQueue } from '@tidings/queue';
import { type Config, ConfigError } from '@tidings/runtime';

/**
 * Sees to it that there is a queue which the board can share with other processes: one inside this process
 * would be empty for ever.
 *
 * @throws ConfigError when the configuration names none.
 */
export function requireSharedQueue(config: Pick<Config, 'REDIS_URL' | 'DATABASE_URL'>): void {
  if (hasSharedQueue(config)) return;
  throw new ConfigError([
    'REDIS_URL: a board apart needs the redis:// URL that API and workers use, or their Postgres in DATABASE_URL; ' +
      'a queue inside a process cannot be seen from another one ("npm start" has its board at /board)',
  ]);
}
