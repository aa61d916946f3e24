import { speaksOfRecipient } from '@tidings/accept';
import {
  type Channel,
  type CompiledContent,
  type DeliveryRules,
  type DeliveryWishes,
  type DryRunLocaleSource,
  type DryRunMessage,
  decideByWishes,
  type PreferenceSource,
  suppressedBy,
  wordsOf,
} from '@tidings/contracts';
import type { AcceptItem, Store } from '@tidings/db';
import {
  type ChosenLocale,
  chooseLocale,
  RenderTimeLimit,
  renderEmail,
  renderPush,
  type TemplateEngine,
} from '@tidings/templates';
import { isoOrNull } from '../iso.ts';
import type { RouteAhead, RoutesAhead } from './routes-ahead.ts';
import { stopFor } from './stop-for.ts';

type Planned = AcceptItem['messages'][number];
type Notification = AcceptItem['notification'];

/**
 * Says what would become of the messages of a send, were it accepted now, and whether it knows who would deliver, and
 * whether it can be rendered.
 */
export type ForeseeMessages = (
  item: AcceptItem,
  asked: { isLocaleOfSend: boolean; showsAddress: boolean },
) => Promise<{ messages: DryRunMessage[]; knowsProviders: boolean; knowsRendering: boolean }>;

/** What decides about the messages of a notification, read from the record as the claim would. */
interface Circumstances {
  rules: DeliveryRules;
  wishes: DeliveryWishes | undefined;
  /** What the list of suppressions holds of the address of each message. */
  onList: Array<Awaited<ReturnType<Store['suppressionsOf']>>>;
  contentOf(channel: Channel): { content: CompiledContent | undefined; chosen: ChosenLocale | undefined };
  /** When the messages would be claimed, in milliseconds since the epoch. */
  at: number;
}

export function createForesee(options: {
  store: Pick<Store, 'projectRules' | 'findPreferences' | 'suppressionsOf' | 'templateById'>;
  engine: TemplateEngine;
  routes: RoutesAhead;
  now?: () => number;
}): ForeseeMessages {
  const { store, engine, routes, now = Date.now } = options;

  async function circumstancesOf({ notification, messages }: AcceptItem): Promise<Circumstances> {
    const { projectId, recipientId, templateId, content: inline, locale = null, sendAt } = notification;
    const [[rules], person, onList, version] = await Promise.all([
      store.projectRules(projectId),
      recipientId ? store.findPreferences(projectId, recipientId) : undefined,
      Promise.all(
        messages.map(({ channel, address }) =>
          store.suppressionsOf(projectId, address ? [{ channel, address }] : []),
        ),
      ),
      templateId ? store.templateById(templateId) : undefined,
    ]);
    return {
      rules: {
        timezone: rules?.timezone ?? 'UTC',
        required: new Set(rules?.required),
        defaults: wordsOf(rules?.defaults ?? []),
      },
      wishes: person && { words: person.words, ...person.recipient },
      onList,
      contentOf: (channel) => {
        if (inline) return { content: inline, chosen: locale ? { locale, rule: 'wanted' } : undefined };
        const chosen = version && chooseLocale(version.content, channel, locale, version.defaultLocale);
        return { content: version?.content[chosen?.locale ?? ''], chosen };
      },
      at: sendAt ?? now(),
    };
  }

  function renderFault(
    channel: Channel,
    { content, chosen }: ReturnType<Circumstances['contentOf']>,
    data: Notification['data'],
  ): string | undefined {
    const locale = chosen?.locale;
    try {
      if (channel === 'email' && content?.email) renderEmail(engine, content.email, data, locale);
      if (channel === 'push' && content?.push) renderPush(engine, content.push, data, locale);
      return undefined;
    } catch (error) {
      // A matter of the machine: at delivery it would be tried again.
      if (error instanceof RenderTimeLimit) return undefined;
      return error instanceof Error ? error.message.split('\n')[0] : String(error);
    }
  }

  function foreseeOne(
    message: Planned,
    notification: Notification,
    known: Circumstances & {
      suppressions: Circumstances['onList'][number];
      /** Why what a channel says cannot be rendered; undefined where it can. */
      faults: ReadonlyMap<Channel, string | undefined>;
    },
    route: RouteAhead,
    asked: { isLocaleOfSend: boolean; showsAddress: boolean },
  ): DryRunMessage {
    const { channel, address = null, platform = null, expiresAt } = message;
    const { category = null, templateKey, templateVersion, templateId } = notification;
    const decision = decideByWishes(known.rules, {
      channel,
      category,
      isCritical: message.lane === 'critical',
      wishes: known.wishes,
      now: known.at,
    });
    const isRequired = category !== null && known.rules.required.has(category);
    const listed = known.suppressions.filter((row) => row.category === '' || row.category === category);
    const suppressed = suppressedBy(
      listed.map((row) => row.reason),
      isRequired,
    );
    const suppression = listed.find(({ reason }) => reason === suppressed);
    const { chosen } = known.contentOf(channel);
    const locale = chosen?.locale;
    const fault = known.faults.get(channel);
    const until = decision.kind === 'wait' ? decision.until : null;
    const stoppedBy = [
      ...(message.reason ? [stopFor(message.reason)] : []),
      ...(suppressed ? [stopFor(suppressed)] : []),
      ...(decision.kind === 'skip' ? [stopFor('opted_out', optOuts[decision.source])] : []),
      ...(until !== null && until >= expiresAt
        ? [stopFor('quiet_hours', 'Its time is over before the quiet hours of the recipient are.')]
        : []),
      ...(message.reason || route.stop === undefined ? [] : [route.stop]),
      ...(fault === undefined ? [] : [stopFor('render_failed', `It cannot be rendered: ${fault}`)]),
    ];
    return {
      channel,
      platform,
      address: asked.showsAddress ? address : null,
      template:
        templateKey && templateVersion && templateId
          ? { key: templateKey, version: templateVersion, id: templateId }
          : null,
      locale: locale ?? null,
      localeFrom: chosen === undefined ? null : sourceOf(chosen, asked.isLocaleOfSend),
      preference: { enabled: decision.kind !== 'skip', source: decision.source },
      quietUntil: isoOrNull(until),
      suppression: suppressed ? { reason: suppressed, category: suppression?.category || null } : null,
      route: { of: route.of, providers: route.providers },
      wouldSend: stoppedBy.length === 0,
      stoppedBy,
    };
  }

  return async (item, asked) => {
    const { notification } = item;
    const [known, routeFor] = await Promise.all([circumstancesOf(item), routes(notification.projectId)]);
    // Once for a channel: to each of a hundred devices it says the same, and meanwhile nobody else is answered.
    const { content: inline } = notification;
    // A text of the caller's own that fails where an address has some letter would spell out what it may not read.
    const knowsRendering = asked.showsAddress || !inline || !speaksOfRecipient([inline]);
    const spoken = knowsRendering ? [...new Set(item.messages.map(({ channel }) => channel))] : [];
    const faults = new Map(
      spoken.map((one) => [one, renderFault(one, known.contentOf(one), notification.data)] as const),
    );
    const ahead = item.messages.map((message) => routeFor(message.channel, message.platform ?? null));
    const messages = item.messages.map((message, index) =>
      foreseeOne(
        message,
        notification,
        { ...known, suppressions: known.onList[index] ?? [], faults },
        ahead[index] as RouteAhead,
        asked,
      ),
    );
    return { messages, knowsProviders: ahead.every(({ providers }) => providers !== null), knowsRendering };
  };
}

/** Whose word it was. The first and the last never stop anything. */
const optOuts: Readonly<Record<PreferenceSource, string>> = {
  required: '',
  recipient_category: 'The recipient does not want this category on this channel.',
  recipient_channel: 'The recipient wants nothing on this channel.',
  project_category: 'The project does not send this category on this channel to who has not asked for it.',
  project_channel: 'The project sends nothing on this channel to who has not asked for it.',
  default: '',
};

function sourceOf({ rule }: ChosenLocale, isLocaleOfSend: boolean): DryRunLocaleSource {
  if (rule !== 'wanted') return rule;
  return isLocaleOfSend ? 'send' : 'recipient';
}
