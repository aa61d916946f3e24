import type { Channel } from './statuses.ts';

/** What kinds of providers there are, and on which channel each delivers. */
export const providerKinds = ['smtp', 'sendgrid', 'fcm', 'onesignal', 'webpush'] as const;
export type ProviderKind = (typeof providerKinds)[number];

export const channelOfProvider: Readonly<Record<ProviderKind, Channel>> = {
  smtp: 'email',
  sendgrid: 'email',
  fcm: 'push',
  onesignal: 'push',
  webpush: 'push',
};
