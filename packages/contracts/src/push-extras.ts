import { z } from 'zod';
import { freeText } from './text.ts';

/** Characters of a URL, at most: what every platform opens. */
const longestUrl = 2000;

/** Schemes that run or show what they hold, or read from the device, rather than lead anywhere. */
const refusedSchemes = new Set([
  'javascript',
  'vbscript',
  'data',
  'blob',
  'file',
  'content',
  'about',
  'intent',
]);

/**
 * What is wrong with the URL that a tap on a push opens; undefined for http, https and the schemes of apps (deep
 * links, `acme://orders/1`).
 */
export function pushUrlFault(url: string): string | undefined {
  if (url.length > longestUrl) return `is longer than ${longestUrl} characters`;
  if (/[\s\p{Cc}]/u.test(url) || !URL.canParse(url)) return 'is not an absolute URL';
  const scheme = new URL(url).protocol.slice(0, -1);
  return refusedSchemes.has(scheme) ? `must not be a ${scheme}: URL` : undefined;
}

/** The same as far as it can be said before the Liquid in it is rendered: of what stands before. */
function sourceFault(source: string): string | undefined {
  const [fixed = ''] = source.trim().split(/\{[{%]/, 1);
  if (fixed === source.trim()) return pushUrlFault(fixed);
  const [, scheme] = /^([^:/?#]*):/.exec(fixed) ?? [];
  return scheme === undefined ? undefined : pushUrlFault(`${scheme}:x`);
}

export const pushUrl = freeText(longestUrl)
  .min(1)
  .refine((source) => sourceFault(source) === undefined, {
    message: 'must be an http or https URL or a deep link of an app',
  })
  .meta({
    description:
      'What opens when it is tapped: http, https or a deep link of your app. Liquid; what it becomes is checked again, and where it becomes empty there is none.',
    examples: ['https://acme.example/orders/{{ order }}'],
  });

/** Entries of a push's data, and their octets with names, at most: a push may have some 4,000 in all. */
const entriesAtMost = 20;
const bytesAtMost = 2048;

/** What is wrong with the data of a push; undefined when it fits. */
export function pushDataFault(data: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(data);
  if (entries.length > entriesAtMost) return `has more than ${entriesAtMost} entries`;
  const bytes = entries.reduce((sum, [key, value]) => sum + octets(key) + octets(value), 0);
  return bytes > bytesAtMost ? `has more than ${bytesAtMost} octets` : undefined;
}

function octets(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * A key of a push's data. Some are FCM's own (HTTP v1, `projects.messages`: from, message_type, and what begins with
 * google or gcm), and what begins with tidings is ours.
 */
const dataKey = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,100}$/, 'must be a name such as orderId, of letters, digits, _, . and -')
  .refine((key) => !/^(from$|message_type$|google|gcm|tidings|__proto__$)/.test(key), {
    message: 'is taken, as from, message_type and all that begins with google, gcm or tidings',
  });

export const pushData = z
  .record(dataKey, freeText(bytesAtMost))
  .refine((data) => pushDataFault(data) === undefined, {
    message: `must have at most ${entriesAtMost} entries and ${bytesAtMost} octets`,
  })
  .meta({
    description: 'What your app gets beside title and body. The values are Liquid.',
    examples: [{ order: '{{ order }}' }],
  });
