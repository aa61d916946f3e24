import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { emailAddress, lineOfText, password as passwordRule } from '@tidings/contracts';
import { createStore, openDatabase } from '@tidings/db';
import { newId, parseConfig } from '@tidings/runtime';
import { requireGoodPassword } from './auth/password-rules.ts';
import { createPasswords } from './auth/passwords.ts';
import { instanceChange } from './operations.ts';

/** What whoever gave the command can put right. */
class CommandError extends Error {
  override readonly name = 'CommandError';
}

const usage = 'Usage: npm run admin:create -- --email ada@example.com [--name "Ada Lovelace"]';

/**
 * `npm run admin:create`: makes an account with the role owner, beside a running service or before the first
 * start. At a terminal it asks for the password; without one, or when nothing is typed, it generates one and
 * prints it, this once.
 */
export async function main(env: NodeJS.ProcessEnv, args: string[]): Promise<void> {
  const { email, name } = optionsOf(args);
  const config = parseConfig(env);
  const typed = process.stdin.isTTY ? await askForPassword() : '';
  const password = typed === '' ? randomBytes(18).toString('base64url') : checked(typed, email);
  const database = await openDatabase(config);
  try {
    const id = newId('account');
    const made = await createStore(database).createAccount(
      { kind: 'system', id: '', address: '', requestId: '' },
      { id, email, name, role: 'owner', passwordHash: await createPasswords().hash(password) },
      instanceChange('accounts.create', id),
    );
    if (made === undefined) throw new CommandError(`There is an account with the address ${email} already.`);
  } finally {
    await database.close();
  }
  console.log(`${email} is an owner now.`);
  if (typed === '') console.log(`Password: ${password}`);
}

function optionsOf(args: string[]): { email: string; name: string | null } {
  const given = () => {
    try {
      return parseArgs({ args, options: { email: { type: 'string' }, name: { type: 'string' } } }).values;
    } catch (error) {
      throw new CommandError(`${(error as Error).message}\n${usage}`);
    }
  };
  const { email, name } = given();
  if (!emailAddress.safeParse(email).success) throw new CommandError(`--email: ${usage}`);
  if (name !== undefined && !lineOfText(200).safeParse(name).success)
    throw new CommandError('--name: must be one line of 1 to 200 characters.');
  return { email: String(email).toLowerCase(), name: name ?? null };
}

function checked(password: string, email: string): string {
  if (!passwordRule.safeParse(password).success)
    throw new CommandError('The password must have 12 to 256 characters.');
  try {
    requireGoodPassword(password, email, '');
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  return password;
}

/** What is typed is not shown. */
async function askForPassword(): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stdout.write('Password (Enter alone: one is generated): ');
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stdout.write('\n');
  }
}
