import {
  type Channel,
  type ChannelContent,
  channels,
  type JsonObject,
  type Lane,
  type OnAmbiguous,
  type Platform,
  type SendInput,
  type SendOutput,
  TidingsError,
} from '@tidings/contracts';
import type { AcceptItem, Store } from '@tidings/db';
import type { FastPath } from '@tidings/queue';
import { newId } from '@tidings/runtime';
import { checkContent, type TemplateEngine } from '@tidings/templates';
import { nobody, speak, speaksOfRecipient } from './recipient-data.ts';
import { hashRequest } from './request-hash.ts';
import type { FindTemplate } from './template-cache.ts';
import { planTimes } from './times.ts';

/** A request that can be stored as it is, and the answer to it. */
export interface Plan {
  item: AcceptItem;
  answer: SendOutput;
}

type PlannedMessage = Pick<
  AcceptItem['messages'][number],
  'channel' | 'address' | 'platform' | 'status' | 'reason'
>;

/** Where the messages of a request go. */
interface Target {
  recipientId: string | null;
  name: string | null;
  locale: string | null;
  email: string | null;
  /** What templates may say of whoever receives it, by the name `recipient`. */
  spoken: JsonObject;
  /** Live ones only. */
  devices: Array<{ platform: Platform; token: string }>;
}

/** What the messages of a request say. */
interface Content {
  templateId: string | null;
  templateKey: string | null;
  templateVersion: number | null;
  inline: ChannelContent | null;
  /** Whether it mentions `recipient`. */
  speaksOfRecipient: boolean;
  channels: Channel[];
  category: string | null;
  onAmbiguous: OnAmbiguous;
}

/**
 * Turns a valid request into rows: finds the recipient and the template, checks what the template needs,
 * decides the messages, and asks for places in the window.
 *
 * @throws TidingsError for whatever the schema could not know.
 */
export type MakePlan = (projectId: string, input: SendInput) => Promise<Plan>;

export function createPlanner(options: {
  store: Store;
  findTemplate: FindTemplate;
  templates: TemplateEngine;
  fastPath: FastPath;
  now?: () => number;
}): MakePlan {
  const { store, findTemplate, templates, fastPath, now = Date.now } = options;

  async function findTarget(projectId: string, to: SendInput['to']): Promise<Target> {
    if ('email' in to) {
      const known = { ...nobody, name: to.name ?? null, email: to.email };
      return { ...known, spoken: speak(known), devices: [] };
    }
    if ('device' in to) return { ...nobody, spoken: speak(nobody), devices: [to.device] };
    const found = await store.findRecipient(projectId, to.recipientId);
    if (found === undefined) {
      throw new TidingsError('recipient_not_found', {
        errors: [{ pointer: '/to/recipientId', detail: 'is not the id of a recipient' }],
      });
    }
    const { recipient } = found;
    return {
      recipientId: recipient.id,
      name: recipient.name,
      locale: recipient.locale,
      email: recipient.email,
      spoken: speak(recipient),
      devices: found.devices.filter(({ deactivatedAt }) => deactivatedAt === null),
    };
  }

  async function findContent(projectId: string, input: SendInput): Promise<Content> {
    if (input.content !== undefined) {
      const faults = checkContent(templates, input.content);
      if (faults.length > 0) throw new TidingsError('invalid_template', { errors: faults });
      return {
        templateId: null,
        templateKey: null,
        templateVersion: null,
        inline: input.content,
        speaksOfRecipient: speaksOfRecipient([input.content]),
        channels: channelsOf(input.content),
        category: null,
        onAmbiguous: 'resend',
      };
    }
    const found = await findTemplate(projectId, input.template ?? '');
    if (found === undefined) {
      throw new TidingsError('template_not_found', {
        errors: [{ pointer: '/template', detail: 'is not the key of a template' }],
      });
    }
    const { row: template, checkData } = found;
    const faults = checkData(input.data);
    if (faults.length > 0) throw new TidingsError('invalid_variables', { errors: faults });
    const offered = new Set(Object.values(template.content).flatMap(channelsOf));
    return {
      templateId: template.id,
      templateKey: template.key,
      templateVersion: template.version,
      inline: null,
      speaksOfRecipient: speaksOfRecipient(Object.values(template.content)),
      channels: channels.filter((channel) => offered.has(channel)),
      category: template.category,
      onAmbiguous: template.onAmbiguous,
    };
  }

  /** A message that can be delivered takes its place: in the queue, in SQL, or in SQL until its time. */
  function place(projectId: string, message: PlannedMessage, lane: Lane, scheduled: boolean) {
    if (message.status === 'skipped') return { ...message, place: null };
    if (scheduled) return { ...message, status: 'scheduled' as const, place: 'store' as const };
    const inQueue = fastPath.reserve({ projectId, channel: message.channel, lane });
    return { ...message, place: inQueue ? ('queue' as const) : ('store' as const) };
  }

  return async (projectId, input) => {
    const times = planTimes(input, now());
    const finding = findContent(projectId, input);
    // Of two faults that of the recipient is told, whichever was found first.
    finding.catch(() => {});
    const target = await findTarget(projectId, input.to);
    const content = await finding;
    const notificationId = newId('notification');
    const messages = wantedChannels(input, content)
      .flatMap((channel) => messagesFor(channel, target))
      .map((message) => ({
        ...place(projectId, message, input.lane, times.sendAt !== null),
        id: newId('message'),
        notificationId,
        projectId,
        lane: input.lane,
        onAmbiguous: content.onAmbiguous,
        expiresAt: times.expiresAt,
        ...(times.sendAt !== null && { dueAt: times.sendAt }),
      }));
    const answer: SendOutput = {
      id: notificationId,
      status: messages.every(({ status }) => status === 'skipped') ? 'ended' : 'accepted',
      messages: messages.map(({ id, channel, status, reason }) => ({
        id,
        channel,
        status,
        ...(reason && { reason }),
      })),
    };
    const { idempotencyKey = null } = input;
    const item: AcceptItem = {
      notification: {
        id: notificationId,
        projectId,
        idempotencyKey,
        requestHash: idempotencyKey === null ? null : hashRequest(input),
        recipientId: target.recipientId,
        toName: target.name,
        templateId: content.templateId,
        templateKey: content.templateKey,
        templateVersion: content.templateVersion,
        content: content.inline,
        emailParts: messages.some(({ channel }) => channel === 'email') ? (input.email ?? null) : null,
        data: dataOf(input, content, target),
        metadata: input.metadata,
        locale: input.locale ?? target.locale,
        lane: input.lane,
        category: input.category ?? content.category,
        sendAt: times.sendAt,
        expiresAt: times.expiresAt,
        answer,
      },
      messages,
    };
    return { item, answer };
  };
}

/** With the recipient in it, unless the application says something of that name itself. */
function dataOf({ data }: SendInput, { speaksOfRecipient }: Content, { spoken }: Target): JsonObject {
  return speaksOfRecipient && !Object.hasOwn(data, 'recipient') ? { ...data, recipient: spoken } : data;
}

function channelsOf(content: { [channel in Channel]?: unknown }): Channel[] {
  return channels.filter((channel) => content[channel] !== undefined);
}

function wantedChannels(input: SendInput, content: Content): Channel[] {
  const wanted = input.channels ?? content.channels;
  const errors = wanted.flatMap((channel, index) =>
    content.channels.includes(channel)
      ? []
      : [{ pointer: `/channels/${index}`, detail: `there is no content for ${channel}` }],
  );
  if (errors.length > 0) throw new TidingsError('channel_without_content', { errors });
  return wanted;
}

/** One message per address; without one, a single message that says so. */
function messagesFor(channel: Channel, target: Target): PlannedMessage[] {
  if (channel === 'email') {
    return target.email === null
      ? [{ channel, address: null, platform: null, status: 'skipped', reason: 'no_address' }]
      : [{ channel, address: target.email, platform: null, status: 'queued' }];
  }
  if (target.devices.length === 0) {
    return [{ channel, address: null, platform: null, status: 'skipped', reason: 'no_device' }];
  }
  return target.devices.map(({ platform, token }) => ({
    channel,
    address: token,
    platform,
    status: 'queued',
  }));
}
