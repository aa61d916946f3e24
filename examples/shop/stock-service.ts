import { createConsumer, type Tidings } from '@tidings/client';
import Database from 'better-sqlite3';
import { type Service, serve } from './http.ts';
import type { Order } from './order.ts';
import { stockConsumer } from './setup.ts';

/** What is for sale when the file is new. */
const assortment = [
  { sku: 'tea', name: 'Earl Grey, 100 g', stock: 50 },
  { sku: 'cup', name: 'Cup, white', stock: 20 },
];

/**
 * Keeps the stock (`GET /products`) and takes out of it what is ordered; what is below nothing is to be bought. While it
 * is stopped its orders wait for it.
 *
 * An order may be handed to it twice: when it ends between its commit and saying so. So the event's id is stored in the
 * transaction that reduces the stock, and an id that is there already changes nothing.
 */
export async function startStockService(options: {
  tidings: Tidings;
  /** Its own SQLite file. */
  path: string;
  port?: number;
}): Promise<Service> {
  const { tidings, path, port = 0 } = options;
  const db = new Database(path);
  db.exec(`
    CREATE TABLE IF NOT EXISTS products (sku TEXT PRIMARY KEY, name TEXT NOT NULL, stock INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS handled_events (id TEXT PRIMARY KEY);
  `);
  const add = db.prepare('INSERT OR IGNORE INTO products (sku, name, stock) VALUES (:sku, :name, :stock)');
  for (const product of assortment) add.run(product);

  const remember = db.prepare('INSERT OR IGNORE INTO handled_events (id) VALUES (?)');
  const reduce = db.prepare('UPDATE products SET stock = stock - ? WHERE sku = ?');
  const takeOut = db.transaction((eventId: string, { sku, quantity }: Order) => {
    if (remember.run(eventId).changes === 0) return;
    if (reduce.run(quantity, sku).changes === 0) throw new Error(`there is no product ${sku}`);
  });
  const consumer = createConsumer({
    tidings,
    ...stockConsumer,
    handler: async ({ id, data }) => takeOut(id, data as Order),
  });

  const products = db.prepare('SELECT sku, name, stock FROM products ORDER BY sku');
  const { url, stop } = await serve(port, {
    'GET /products': () => ({ status: 200, body: products.all() }),
  });
  return {
    url,
    stop: async () => {
      await Promise.all([consumer.stop(), stop()]);
      db.close();
    },
  };
}
