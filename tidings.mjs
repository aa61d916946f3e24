#!/usr/bin/env node
// The one entry. Plain JavaScript on purpose: an older Node must get as far as reading what is wrong.
import { existsSync } from 'node:fs';

const roles = {
  start: './apps/all-in-one/src/main.ts',
  demo: './apps/all-in-one/src/demo.ts',
  api: './apps/api/src/main.ts',
  workers: './apps/workers/src/main.ts',
  board: './apps/board/src/main.ts',
  'admin:create': './apps/api/src/admin-create.ts',
  templates: './apps/all-in-one/src/templates-folder/main.ts',
};

const needed = 24;
const role = process.argv[2] ?? 'start';

if (Number(process.versions.node.split('.')[0]) < needed) {
  console.error(
    `Tidings needs Node ${needed} or newer; this is ${process.versions.node}.\n` +
      'The npm scripts bring their own on Linux: run "npm ci", then "npm start".',
  );
  process.exit(1);
}
if (!Object.hasOwn(roles, role)) {
  console.error(`Unknown role "${role}". It is one of: ${Object.keys(roles).join(', ')}.`);
  process.exit(1);
}
if (existsSync('.env')) process.loadEnvFile('.env');

try {
  const { main } = await import(roles[role]);
  await main(process.env, process.argv.slice(3));
} catch (error) {
  // A fault of the configuration is told in its own words, without a stack.
  const isExpected = [
    'ConfigError',
    'LockHeldError',
    'UnsafeSettingsError',
    'DatabaseUnreachableError',
    'CommandError',
  ].includes(error?.name);
  if (error?.code === 'EADDRINUSE')
    console.error(`Port ${error.port} is taken: set PORT (or WORKERS_PORT, or BOARD_PORT) to another.`);
  else if (isExpected) console.error(error.message);
  else {
    // As in the log: an error of the database quotes values that are nobody else's business.
    const { describeError } = await import('./packages/runtime/src/log.ts');
    const { stack, message, cause } = describeError(error);
    console.error(stack ?? message);
    if (cause) console.error(`Caused by ${cause.name}: ${cause.message}`);
  }
  process.exit(1);
}
