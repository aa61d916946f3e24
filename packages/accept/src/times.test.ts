import { type Lane, lanes } from '@tidings/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from '../../../test/support/api.ts';

let tested: TestApi;
beforeAll(async () => {
  tested = await openTestApi();
});
afterAll(() => tested.close());

const hourMs = 3_600_000;

/** How long after its time of sending a notification expires. */
async function lifetimeOf(lane: Lane, times: { sendAt?: string; expiresAt?: string }): Promise<number> {
  const { body } = await tested.call('POST', '/v1/notifications', {
    to: { email: 'ada@example.com' },
    content: { email: { subject: 'Hi', text: 'Hi' } },
    lane,
    ...times,
  });
  const found = await tested.call('GET', `/v1/notifications/${body.id}`);
  const { sendAt, createdAt, expiresAt } = found.body as Record<string, string>;
  return Date.parse(expiresAt ?? '') - Date.parse(sendAt ?? createdAt ?? '');
}

test.each(lanes.map((lane) => [lane, lane === 'critical' ? 1 : 72] as const))(
  'a %s message that says nothing of it expires %d hours after its time',
  async (lane, hours) => {
    const sendAt = new Date(Date.now() + hourMs).toISOString();
    expect(await lifetimeOf(lane, { sendAt })).toBe(hours * hourMs);
    const fromNow = await lifetimeOf(lane, {});
    expect(Math.round(fromNow / 60_000)).toBe(hours * 60);
  },
);

test('what the request says of it holds', async () => {
  const sendAt = new Date(Date.now() + hourMs).toISOString();
  const expiresAt = new Date(Date.now() + 3 * hourMs).toISOString();
  expect(await lifetimeOf('critical', { sendAt, expiresAt })).toBe(
    Date.parse(expiresAt) - Date.parse(sendAt),
  );
});
