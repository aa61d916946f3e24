import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Service } from '../../examples/shop/http.ts';
import type { Order } from '../../examples/shop/order.ts';
import { publishOrder, startOrderService } from '../../examples/shop/order-service.ts';
import { mail, setUp } from '../../examples/shop/setup.ts';
import { startStockService } from '../../examples/shop/stock-service.ts';
import { startChild } from '../support/child.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startTidings, type TestTidings } from '../support/tidings.ts';
import { until } from '../support/until.ts';

const dir = tempDir();
const shopDir = tempDir();
let mails: SmtpSink;
let running: TestTidings;
let orders: Service;
let stock: Service;

const startStock = () =>
  startStockService({ tidings: running.tidings, path: join(shopDir.path, 'stock.db') });

beforeAll(async () => {
  mails = await startSmtpSink();
  running = await startTidings({
    dataDir: dir.path,
    env: { SMTP_URL: mails.url, EMAIL_FROM: 'shop@tidings.example' },
  });
  // As a set-up leaves it that ended half-way.
  await running.tidings.templates.create.mutate(mail);
  await setUp(running.tidings);
  orders = await startOrderService({ tidings: running.tidings, path: join(shopDir.path, 'orders.db') });
  stock = await startStock();
});
afterAll(async () => {
  await Promise.all([orders.stop(), stock.stop()]);
  await running.stop();
  await mails.stop();
  for (const { remove } of [dir, shopDir]) remove();
});

async function stockOf(url: string, sku: string): Promise<number | undefined> {
  const response = await fetch(`${url}/products`);
  const products = (await response.json()) as Array<{ sku: string; stock: number }>;
  return products.find((product) => product.sku === sku)?.stock;
}

async function place(sku: string, quantity: number): Promise<Order> {
  const customer = { name: 'Ada', email: 'ada@example.com' };
  const response = await fetch(`${orders.url}/orders`, {
    method: 'POST',
    body: JSON.stringify({ sku, quantity, customer }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Order;
}

const published = ({ orderId }: Order) =>
  until(
    () => running.tidings.events.get.query({ id: orderId }).catch(() => undefined),
    (event) => event !== undefined,
  );

/** Both consumers have had it. */
const handled = ({ orderId }: Order) =>
  until(
    () => running.tidings.events.get.query({ id: orderId }).catch(() => undefined),
    (event) => event?.copies.length === 2 && event.copies.every(({ status }) => status === 'delivered'),
    60_000,
  );

const mailsOf = async ({ orderId }: Order) => {
  const parsed = await Promise.all(mails.received.map(({ raw }) => PostalMime.parse(raw)));
  return parsed.filter(({ html }) => html?.includes(orderId));
};

test('an order reduces the stock and mails the customer', async () => {
  const order = await place('tea', 2);
  await until(
    () => stockOf(stock.url, 'tea'),
    (left) => left === 48,
  );
  await handled(order);
  await mails.waitFor(1);
  const [received] = await mailsOf(order);
  expect(received).toMatchObject({ subject: 'Your order of 2 × tea', to: [{ address: 'ada@example.com' }] });
});

test('while the stock service is stopped orders wait for it, and one published twice is taken out once', async () => {
  await stock.stop();
  const placed = [await place('cup', 3), await place('cup', 4)];
  const [first] = placed as [Order, Order];
  const before = await published(first);
  const again = await publishOrder(running.tidings, first);
  expect(again.id).toBe(before?.id);

  // Its mails do not wait for the stock.
  for (const order of placed) {
    await until(
      () => mailsOf(order),
      (found) => found.length > 0,
    );
  }

  stock = await startStock();
  await until(
    () => stockOf(stock.url, 'cup'),
    (left) => left === 13,
  );
  for (const order of placed) await handled(order);
  await publishOrder(running.tidings, first);
  const last = await place('cup', 1);
  await handled(last);
  await until(
    () => mailsOf(last),
    (found) => found.length > 0,
  );
  expect(await stockOf(stock.url, 'cup')).toBe(12);
  for (const order of [...placed, last]) expect(await mailsOf(order)).toHaveLength(1);
});

test('the stock survives a restart', async () => {
  const left = [await stockOf(stock.url, 'tea'), await stockOf(stock.url, 'cup')];
  await stock.stop();
  stock = await startStock();
  expect([await stockOf(stock.url, 'tea'), await stockOf(stock.url, 'cup')]).toEqual(left);
});

test('npm run example:shop shows both effects, takes another order and ends on Ctrl-C', async () => {
  const own = tempDir();
  const shop = startChild(['examples/shop/main.ts'], { SHOP_DIR: own.path });
  await shop.printed(/Stock before\s+20 × cup, 50 × tea/);
  await shop.printed(/Stock after\s+20 × cup, 48 × tea/);
  await shop.printed(/Mail\s+\S+\.eml[\s\S]+sent/);
  const [, url = ''] = await shop.printed(/curl (\S+)\/orders/);
  const [, products = ''] = await shop.printed(/curl (\S+)\/products/);
  const customer = { name: 'Grace', email: 'grace@example.com' };
  await fetch(`${url}/orders`, {
    method: 'POST',
    body: JSON.stringify({ sku: 'tea', quantity: 5, customer }),
  });
  await until(
    () => stockOf(products, 'tea'),
    (left) => left === 43,
  );
  expect(await shop.end('SIGINT')).toBe(0);
  own.remove();
});
