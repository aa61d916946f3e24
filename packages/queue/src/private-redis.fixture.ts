/** A parent for private-redis.test.ts to end: starts a private Redis, tells its socket, exits on SIGTERM. */
import { silentLog } from '@tidings/runtime';
import { startPrivateRedis } from './private-redis.ts';

process.on('SIGTERM', () => process.exit(0));
const server = await startPrivateRedis({ dataDir: process.argv[2] ?? '', log: silentLog() });
process.send?.({ path: server?.path });
setInterval(() => {}, 1000);
