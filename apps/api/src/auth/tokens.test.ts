import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createTokens } from './tokens.ts';

const [first, second] = ['a'.repeat(40), 'b'.repeat(40)] as const;
const claims = { subject: 'acc_1', sessionId: 'ses_1' };
const refused = { code: 'unauthorized' };

test('a token says what it was made to say, to the second it ends', async () => {
  let now = 1_800_000_000_000;
  const tokens = createTokens({ secrets: [first], now: () => now });
  const { token, expiresAt } = await tokens.sign('account', claims, 60);
  expect(expiresAt).toBe(now + 60_000);
  expect(await tokens.verify(token, 'account')).toEqual(claims);
  now += 59_999;
  expect(await tokens.verify(token, 'account')).toEqual(claims);
  now += 1;
  await expect(tokens.verify(token, 'account')).rejects.toMatchObject(refused);
});

test('after a change of the secret the old tokens are good as long as it is kept', async () => {
  const { token } = await createTokens({ secrets: [first] }).sign('account', claims, 60);
  expect(await createTokens({ secrets: [second, first] }).verify(token, 'account')).toEqual(claims);
  await expect(createTokens({ secrets: [second] }).verify(token, 'account')).rejects.toMatchObject(refused);
});

describe('what is not a good token', () => {
  const tokens = createTokens({ secrets: [first] });
  const key = new TextEncoder().encode(first);
  const kidOf = (token: string) => JSON.parse(atob(token.split('.')[0] ?? '')).kid as string;
  const forged = async (header: { alg: string; kid?: string }, audience = 'account', issuer = 'tidings') =>
    new SignJWT({})
      .setProtectedHeader(header)
      .setSubject('acc_1')
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('1h')
      .sign(key);

  test('for another audience', async () => {
    const { token } = await tokens.sign('recipient', { subject: 'rcp_1', projectId: 'prj_1' }, 60);
    await expect(tokens.verify(token, 'account')).rejects.toMatchObject(refused);
    expect(await tokens.verify(token, 'recipient')).toEqual({ subject: 'rcp_1', projectId: 'prj_1' });
  });

  test('under another algorithm, without a key, or by another issuer', async () => {
    const kid = kidOf((await tokens.sign('account', claims, 60)).token);
    expect(await tokens.verify(await forged({ alg: 'HS256', kid }), 'account')).toEqual({ subject: 'acc_1' });
    const bad = [
      await forged({ alg: 'HS512', kid }),
      await forged({ alg: 'HS256' }),
      await forged({ alg: 'HS256', kid: 'x' }),
      await forged({ alg: 'HS256', kid }, 'account', 'somebody'),
      new UnsecuredJWT({})
        .setSubject('acc_1')
        .setIssuer('tidings')
        .setAudience('account')
        .setExpirationTime('1h')
        .encode(),
      'x',
      'a.b.c',
      '..',
      '',
    ];
    for (const token of bad) await expect(tokens.verify(token, 'account')).rejects.toMatchObject(refused);
  });

  test('changed anywhere', async () => {
    const { token } = await tokens.sign('account', claims, 60);
    for (const at of [5, token.indexOf('.') + 3, token.lastIndexOf('.') + 3]) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const changed = `${token.slice(0, at)}${other}${token.slice(at + 1)}`;
      await expect(tokens.verify(changed, 'account')).rejects.toMatchObject(refused);
    }
  });
});
