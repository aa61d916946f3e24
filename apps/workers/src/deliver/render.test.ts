import type { Claimed, Store } from '@tidings/db';
import { createTemplateEngine } from '@tidings/templates';
import { expect, test } from 'vitest';
import { createRender } from './render.ts';

const render = (text: string, renderLimitMs: number) => {
  const templates = createTemplateEngine({ renderLimitMs });
  const claimed = {
    message: { channel: 'email' },
    notification: { content: { email: { subject: 's', text } }, data: {} },
  } as unknown as Claimed;
  return createRender({ store: {} as Store, templates })(claimed);
};

test('a render that takes too long is tried again, one that fails otherwise is not', async () => {
  expect(await render('fine', 20_000)).toMatchObject({ channel: 'email', text: 'fine' });
  expect(await render('fine', -1)).toMatchObject({ outcome: 'transient', reason: 'render_failed' });
  const endless = '{% for i in (1..1000000000) %}x{% endfor %}';
  expect(await render(endless, 20_000)).toMatchObject({ outcome: 'rejected', reason: 'render_failed' });
});
