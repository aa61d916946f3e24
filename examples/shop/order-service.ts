import { randomUUID } from 'node:crypto';
import { type Tidings, TidingsApiError } from '@tidings/client';
import Database from 'better-sqlite3';
import { type Answer, type Service, serve } from './http.ts';
import { newOrder, type Order } from './order.ts';

/**
 * Takes orders (`POST /orders`) and says so: it knows nobody who wants to hear of it.
 *
 * The order is stored first and published afterwards, from the same table: whatever happens in between, it is published
 * in the end. It may be published twice then, which is one event, for the number of the order is the event's id.
 */
export async function startOrderService(options: {
  tidings: Tidings;
  /** Its own SQLite file. */
  path: string;
  port?: number;
}): Promise<Service> {
  const { tidings, path, port = 0 } = options;
  const db = new Database(path);
  db.exec(`CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, published INTEGER NOT NULL DEFAULT 0
  )`);
  const store = db.prepare('INSERT INTO orders (id, content) VALUES (?, ?)');
  const nextUnpublished = db.prepare<[], { content: string }>(
    'SELECT content FROM orders WHERE published = 0 ORDER BY rowid LIMIT 1',
  );
  const markPublished = db.prepare('UPDATE orders SET published = 1 WHERE id = ?');

  function placeOrder(body: unknown): Answer {
    const { data, error } = newOrder.safeParse(body);
    if (data === undefined) return { status: 400, body: { error: error.issues[0]?.message } };
    const order: Order = { orderId: randomUUID(), ...data };
    store.run(order.orderId, JSON.stringify(order));
    publish();
    return { status: 201, body: order };
  }

  async function publishAll(): Promise<void> {
    for (let row = nextUnpublished.get(); row !== undefined; row = nextUnpublished.get()) {
      const order = JSON.parse(row.content) as Order;
      await publishOrder(tidings, order).catch(unlessRefused);
      markPublished.run(order.orderId);
    }
  }

  let publishing: Promise<void> | undefined;
  /** One run at a time. */
  function publish(): void {
    publishing ??= publishAll()
      .catch((error: Error) => console.warn(`orders wait to be published: ${error.message}`))
      .finally(() => {
        publishing = undefined;
      });
  }
  publish();
  const again = setInterval(publish, 1000);

  const { url, stop } = await serve(port, { 'POST /orders': placeOrder });
  return {
    url,
    stop: async () => {
      await stop();
      clearInterval(again);
      await publishing;
      db.close();
    },
  };
}

/** What is refused today will be tomorrow: it is for somebody to look at, and holds up no other order. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof TidingsApiError) || ![400, 422].includes(error.problem.status)) throw error;
  console.error(`an order is refused: ${error.message}`);
}

/** Says that there is an order. Saying it again changes nothing. */
export function publishOrder(tidings: Tidings, order: Order) {
  return tidings.events.publish.mutate({ type: 'order.created', id: order.orderId, data: order });
}
