import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface Answer {
  status: number;
  body: unknown;
}

/** A running service. */
export interface Service {
  url: string;
  stop(): Promise<void>;
}

/** Serves JSON on loopback: a handler for each route such as `POST /orders`. Port 0 is any that is free. */
export async function serve(
  port: number,
  routes: Record<string, (body: unknown) => Answer>,
): Promise<Service> {
  const server = createServer(async (request, response) => {
    const handle = routes[`${request.method} ${request.url}`];
    const { status, body } =
      handle === undefined
        ? { status: 404, body: { error: 'there is nothing here' } }
        : await json(request)
            .catch(() => undefined)
            .then(handle)
            .catch((error: Error) => ({ status: 500, body: { error: error.message } }));
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
