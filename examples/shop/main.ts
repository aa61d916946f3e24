import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createTidings } from '@tidings/client';
import { createLog, createMetrics, exitOnSignal, parseConfig } from '@tidings/runtime';
// An application has its Tidings running elsewhere; here one comes along.
import { startAllInOne } from '../../apps/all-in-one/src/all-in-one.ts';
import type { Order } from './order.ts';
import { startOrderService } from './order-service.ts';
import { setUp } from './setup.ts';
import { startStockService } from './stock-service.ts';

/** `npm run example:shop`: starts a Tidings and the shop, places an order, shows what came of it, goes on serving. */
const folder = resolve(process.env.SHOP_DIR ?? 'data/shop');
const config = parseConfig({ LOG_LEVEL: 'warn', DATA_DIR: join(folder, 'tidings'), PORT: '0' });
mkdirSync(config.DATA_DIR, { recursive: true });
const log = createLog({ level: config.LOG_LEVEL, name: 'tidings' });
const running = await startAllInOne({ config, log, metrics: createMetrics() });
const tidings = createTidings({ url: running.url, apiKey: running.apiKey.key });

await setUp(tidings);
const orders = await startOrderService({ tidings, path: join(folder, 'orders.db') });
const stock = await startStockService({ tidings, path: join(folder, 'stock.db') });
exitOnSignal({
  log,
  stop: async () => {
    await Promise.all([orders.stop(), stock.stop()]);
    await running.stop();
  },
});

const ordered = { sku: 'tea', quantity: 2, customer: { name: 'Ada', email: 'ada@example.com' } };
console.log(`\n  Stock before   ${await stockNow()}`);
const order = await placeOrder();
console.log(`  Order placed   ${order.orderId}: ${order.quantity} × ${order.sku}`);
const notificationId = await handledByAll(order);
console.log(`  Stock after    ${await stockNow()}`);
await printMail(notificationId);
console.log(`
  Orders         ${orders.url}/orders
  Stock          ${stock.url}/products
  Tidings        ${running.url}/docs, with the key ${running.apiKey.key}

  Place another:

  curl ${orders.url}/orders -d '${JSON.stringify(ordered)}'
  curl ${stock.url}/products

  Ctrl-C ends it all; stock and orders are kept in ${folder}
`);

async function stockNow(): Promise<string> {
  const response = await fetch(`${stock.url}/products`);
  const products = (await response.json()) as Array<{ sku: string; stock: number }>;
  return products.map(({ sku, stock }) => `${stock} × ${sku}`).join(', ');
}

async function placeOrder(): Promise<Order> {
  const response = await fetch(`${orders.url}/orders`, { method: 'POST', body: JSON.stringify(ordered) });
  return (await response.json()) as Order;
}

/** Waits until each consumer has had the order; answers the notification that the rule made of it. */
async function handledByAll({ orderId }: Order): Promise<string> {
  const { copies } = await eventually(
    // Until it is published there is none.
    () => tidings.events.get.query({ id: orderId }).catch(() => undefined),
    (event) => event.fannedOutAt !== null && event.copies.every(({ endedAt }) => endedAt !== null),
  );
  return copies.find(({ kind }) => kind === 'notify')?.notificationId ?? '';
}

async function printMail(id: string): Promise<void> {
  const { messages } = await tidings.notifications.get.query({ id });
  const messageId = messages[0]?.id ?? '';
  const message = await eventually(
    () => tidings.messages.get.query({ id: messageId }),
    ({ endedAt }) => endedAt !== null,
  );
  console.log(`  Mail           ${join(config.DATA_DIR, 'outbox', `${messageId}.eml`)}`);
  for (const { at, status } of message.timeline) console.log(`                 ${at}  ${status}`);
}

async function eventually<Answer>(
  ask: () => Promise<Answer | undefined>,
  isGood: (answer: Answer) => boolean,
): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && isGood(answer)) return answer;
    await delay(50);
  }
}
