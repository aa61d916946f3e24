import type { Role } from '@tidings/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loginOf, openTestApi, type TestAccount, type TestApi } from '../../../../test/support/api.ts';

let tested: TestApi;
let owner: TestAccount;
let admin: TestAccount;
beforeAll(async () => {
  tested = await openTestApi();
  owner = await tested.addAccount('owner');
  admin = await tested.addAccount('admin');
});
afterAll(() => tested.close());

const anonymous = { authorization: '' };
let guests = 0;
const newGuest = () => {
  guests += 1;
  return `guest-${guests}@example.com`;
};
const invite = (as: TestAccount, role: Role, email = newGuest()) =>
  tested.call('POST', '/v1/invitations', { email, role }, as.headers);
const accept = (token: unknown, password = 'the password of a guest') =>
  tested.call('POST', '/v1/invitations/accept', { token, name: 'Guest', password }, anonymous);
const notFound = { status: 404, body: { code: 'invitation_not_found' } };
const forbidden = { status: 403, body: { code: 'forbidden' } };

test('an invitation makes one account with its role and address, and logs it in', async () => {
  const { body } = await invite(admin, 'member', 'Grace@Example.com');
  const answers = await Promise.all([accept(body.token), accept(body.token)]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 404]);
  const accepted = answers.find(({ status }) => status === 201);
  expect(accepted?.body.account).toMatchObject({
    email: 'grace@example.com',
    role: 'member',
    name: 'Guest',
    lastLoginAt: expect.any(String),
  });
  const { headers, cookie } = loginOf(accepted as NonNullable<typeof accepted>);
  expect((await tested.call('GET', '/v1/auth/me', undefined, headers)).status).toBe(200);
  const refreshed = await tested.call('POST', '/v1/auth/refresh', {}, { ...anonymous, cookie });
  expect(refreshed.status).toBe(200);
  expect(await accept(body.token)).toMatchObject(notFound);
  const trail = await tested.store.listAudit(null, { target: String(body.id), limit: 9 });
  expect(trail.map(({ action, actorKind }) => [action, actorKind])).toEqual([
    ['invitations.accept', 'account'],
    ['invitations.create', 'account'],
  ]);
});

test('the secret of an invitation is answered once', async () => {
  const { body } = await invite(admin, 'viewer');
  const secret = String(body.token).slice(-43);
  const list = await tested.call('GET', '/v1/invitations', undefined, admin.headers);
  expect(list.text).toContain(String(body.id));
  expect(list.text).not.toContain(secret);
  const revoked = await tested.call('DELETE', `/v1/invitations/${body.id}`, undefined, admin.headers);
  expect(revoked).toMatchObject({ status: 200, body: { status: 'revoked' } });
  expect(revoked.text).not.toContain(secret);
});

test('an invitation that is expired, revoked, replaced or somebody else’s secret makes no account', async () => {
  const expired = await invite(admin, 'viewer');
  expect(Date.parse(String(expired.body.expiresAt)) - Date.now()).toBeGreaterThan(6.99 * 86_400_000);
  await tested.query(`UPDATE invitations SET expires_at = 1 WHERE id = '${expired.body.id}'`);
  expect(await accept(expired.body.token)).toMatchObject(notFound);

  const revoked = await invite(admin, 'viewer');
  await tested.call('DELETE', `/v1/invitations/${revoked.body.id}`, undefined, admin.headers);
  expect(await accept(revoked.body.token)).toMatchObject(notFound);
  const again = await tested.call('DELETE', `/v1/invitations/${revoked.body.id}`, undefined, admin.headers);
  expect(again).toMatchObject(notFound);

  const email = newGuest();
  const [first, second] = [await invite(admin, 'viewer', email), await invite(admin, 'viewer', email)];
  expect(await accept(first.body.token)).toMatchObject(notFound);
  const mixed = `${second.body.id}_${String(first.body.token).slice(-43)}`;
  expect(await accept(mixed)).toMatchObject(notFound);
  expect((await accept(second.body.token)).status).toBe(201);
});

test('nobody invites to a role that is not theirs to give, nor revokes such an invitation', async () => {
  const member = await tested.addAccount('member');
  expect(await invite(member, 'viewer')).toMatchObject(forbidden);
  for (const role of ['owner', 'admin'] as const) {
    expect(await invite(admin, role)).toMatchObject(forbidden);
    const { body } = await invite(owner, role);
    const path = `/v1/invitations/${body.id}`;
    expect(await tested.call('DELETE', path, undefined, admin.headers)).toMatchObject(forbidden);
    expect((await accept(body.token)).body.account).toMatchObject({ role });
  }
});

test('an admin does not end an owner’s invitation by another, and what ends so is on record', async () => {
  const email = newGuest();
  const { body: first } = await invite(owner, 'admin', email);
  expect(await invite(admin, 'viewer', email)).toMatchObject(forbidden);
  const { body: second } = await invite(owner, 'member', email);
  expect(await accept(first.token)).toMatchObject(notFound);
  const trail = await tested.store.listAudit(null, { target: String(first.id), limit: 9 });
  expect(trail.map(({ action, actorId }) => [action, actorId])).toEqual([
    ['invitations.revoke', owner.id],
    ['invitations.create', owner.id],
  ]);
  expect((await invite(admin, 'viewer', email)).status).toBe(201);
  expect(await accept(second.token)).toMatchObject(notFound);
});

test('an expired invitation is called that, also when another has taken its place', async () => {
  const email = newGuest();
  const { body } = await invite(owner, 'owner', email);
  await tested.query(`UPDATE invitations SET expires_at = 1 WHERE id = '${body.id}'`);
  expect((await invite(admin, 'viewer', email)).status).toBe(201);
  const list = await tested.call('GET', '/v1/invitations', undefined, admin.headers);
  const statuses = (list.body.items as Array<{ id: string; status: string }>).map(({ id, status }) => [
    id,
    status,
  ]);
  expect(statuses).toContainEqual([body.id, 'expired']);
});

test('an invitation ends with the power of whoever made it', async () => {
  const other = await tested.addAccount('admin');
  const { body } = await invite(other, 'member');
  await tested.call('PUT', `/v1/accounts/${other.id}`, { role: 'member' }, owner.headers);
  expect(await accept(body.token)).toMatchObject(notFound);
});

test('who has an account is not invited, and the password is looked at as any other', async () => {
  expect(await invite(admin, 'viewer', owner.email)).toMatchObject({
    status: 409,
    body: { code: 'account_exists' },
  });
  const email = newGuest();
  const { body } = await invite(admin, 'viewer', email);
  expect(await accept(body.token, email)).toMatchObject({ status: 422, body: { code: 'weak_password' } });
  expect(await accept(body.token, 'short')).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect((await accept(body.token)).status).toBe(201);
});
