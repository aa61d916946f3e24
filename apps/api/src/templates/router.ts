import type { Accept, TemplateCache } from '@tidings/accept';
import type { Store } from '@tidings/db';
import type { BuildTools } from '@tidings/templates';
import { router } from '../operations.ts';
import { archive } from './archive.ts';
import { create } from './create.ts';
import { get } from './get.ts';
import { lint } from './lint.ts';
import { list } from './list.ts';
import { preview } from './preview.ts';
import { publish } from './publish.ts';
import { rollback } from './rollback.ts';
import { testSend } from './test-send.ts';
import { update } from './update.ts';
import { versions } from './versions.ts';
import { createWorkshop } from './workshop.ts';

/** Every operation on templates. */
export function createTemplatesRouter(options: {
  store: Store;
  accept: Accept;
  cache: TemplateCache;
  tools: BuildTools;
}) {
  const { store, accept, cache, tools } = options;
  const { engine, schemas } = tools;
  const workshop = createWorkshop({ store, tools });
  return router({
    create: create({ store, workshop }),
    get: get({ store, workshop }),
    list: list(store),
    versions: versions({ store, workshop }),
    update: update({ store, workshop }),
    publish: publish({ store, workshop, cache }),
    rollback: rollback({ store, workshop, cache }),
    archive: archive({ store, workshop, cache }),
    lint: lint(workshop),
    preview: preview({ store, workshop, engine, schemas }),
    testSend: testSend({ store, accept, workshop, schemas }),
  });
}
