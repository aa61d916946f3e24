import type { ChannelContent, JsonObject } from '@tidings/contracts';
import type { RecipientRow } from '@tidings/db';

type Person = Pick<RecipientRow, 'name' | 'email' | 'locale' | 'timezone' | 'attributes'>;

/** Whoever has only an address. */
export const nobody = {
  recipientId: null,
  name: null,
  email: null,
  locale: null,
  timezone: null,
  attributes: {},
};

/**
 * What templates may say of a recipient. It is taken at the accept and kept with the notification's data: every
 * copy of a message says the same, and an erasure finds it there.
 */
export function speak(person: Person & { externalId?: string }): JsonObject {
  const { externalId = null, name, email, locale, timezone, attributes } = person;
  return { externalId, name, email, locale, timezone, attributes };
}

/** Do these texts mention `recipient`? What does not gets no copy of anybody's data. */
export function speaksOfRecipient(contents: ChannelContent[]): boolean {
  return contents.some(({ email, push }) =>
    [
      ...[email?.subject, email?.html, email?.text, push?.title, push?.body, push?.url],
      ...Object.values(push?.data ?? {}),
    ].some((text) => text?.includes('recipient')),
  );
}
