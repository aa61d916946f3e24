import { previewTemplate, TidingsError } from '@tidings/contracts';
import type { Store } from '@tidings/db';
import { pickLocale, renderEmail, renderPush, type Schemas, type TemplateEngine } from '@tidings/templates';
import { mutation } from '../operations.ts';
import { revisionOf, schemaOf } from './version-of.ts';
import type { Workshop } from './workshop.ts';

/** `templates.preview`: rendered as a worker would. A POST, for the data; it changes nothing. */
export const preview = ({
  store,
  workshop,
  engine,
  schemas,
}: {
  store: Store;
  workshop: Workshop;
  engine: TemplateEngine;
  schemas: Schemas;
}) =>
  mutation(previewTemplate, async ({ key, version, locale = null, data }, { principal }) => {
    const { shown } = await workshop.find(principal.projectId, key, version);
    const { content } = await workshop.rendered(shown);
    const defaultLocale = await store.defaultLocaleOf(principal.projectId);
    const inEmail = pickLocale(content, 'email', locale, defaultLocale) ?? '';
    const inPush = pickLocale(content, 'push', locale, defaultLocale) ?? '';
    const [email, push] = [content[inEmail]?.email, content[inPush]?.push];
    const faults = schemas.check(`${shown.id} ${revisionOf(shown)}`, schemaOf(shown))(data);
    try {
      const rendered = email && renderEmail(engine, email, data, inEmail);
      return {
        version: shown.version,
        email: rendered
          ? {
              locale: inEmail,
              subject: rendered.subject,
              html: rendered.html ?? null,
              text: rendered.text ?? null,
            }
          : null,
        push: push
          ? { locale: inPush, url: null, data: {}, ...renderPush(engine, push, data, inPush) }
          : null,
        faults,
      };
    } catch (error) {
      const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
      throw new TidingsError('invalid_template', {
        detail: `It cannot be rendered: ${detail}`,
        cause: error,
      });
    }
  });
