import type { Store } from '@tidings/db';
import { newId, readUnsubscribeToken, type Unsubscription, unsubscribeKey } from '@tidings/runtime';
import { askPage, donePage, type Named, unknownPage } from './pages.ts';

/** The links of `List-Unsubscribe` (RFC 8058). Whoever has one may use it, without a login. */
export interface Unsubscribe {
  /** For people: a page with a button. */
  ask(token: string): Promise<Response>;
  /**
   * For mail programs and that button. What the body says is not looked at: the method alone tells a person's wish from
   * a scanner's visit. It answers itself, never with a redirect (§3.1).
   */
  confirm(token: string, requestId: string): Promise<Response>;
}

export function createUnsubscribe(store: Pick<Store, 'findUnsubscribePage' | 'unsubscribe'>): Unsubscribe {
  async function find(token: string): Promise<{ said: Unsubscription; named: Named } | undefined> {
    const said = readUnsubscribeToken(token);
    if (said === undefined) return undefined;
    const found = await store.findUnsubscribePage(said.projectId, said.category);
    if (found === undefined || !said.isMadeWith(unsubscribeKey(found.suppressionKey))) return undefined;
    return { said, named: found };
  }

  return {
    ask: async (token) => {
      const found = await find(token);
      return found === undefined ? unknownPage() : askPage(found.named);
    },
    confirm: async (token, requestId) => {
      const found = await find(token);
      if (found === undefined) return unknownPage();
      const { projectId, messageId, category, subject } = found.said;
      await store.unsubscribe({
        projectId,
        messageId,
        category,
        subject,
        newId: () => newId('suppression'),
        // The address that it came from would outlive an erasure.
        actor:
          'recipientId' in subject
            ? { kind: 'recipient', id: subject.recipientId, address: '', requestId }
            : { kind: 'anyone', id: '', address: '', requestId },
        change: {
          id: newId('audit'),
          projectId,
          action: 'unsubscribe.oneClick',
          target: '',
          fields: ['preferences'],
        },
      });
      return donePage(found.named);
    },
  };
}
