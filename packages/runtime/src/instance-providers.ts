import { type Channel, channelOfProvider, type ProviderKind } from '@tidings/contracts';
import type { Config } from './config.ts';

/** A provider that the environment names, for every project without a route of its own. */
export interface InstanceProvider {
  kind: ProviderKind;
  /** As attempts and metrics have it. */
  name: string;
}

type ProviderVariables = Partial<
  Pick<
    Config,
    | 'SMTP_URL'
    | 'SENDGRID_API_KEY'
    | 'FCM_SERVICE_ACCOUNT'
    | 'ONESIGNAL_APP_ID'
    | 'ONESIGNAL_API_KEY'
    | 'VAPID_PUBLIC_KEY'
    | 'VAPID_PRIVATE_KEY'
    | 'VAPID_SUBJECT'
  >
>;

/** What has to be set for each kind, in the order they are preferred. */
const variables: ReadonlyArray<[ProviderKind, string, ReadonlyArray<keyof ProviderVariables>]> = [
  ['smtp', 'smtp', ['SMTP_URL']],
  ['sendgrid', 'sendgrid', ['SENDGRID_API_KEY']],
  ['fcm', 'fcm', ['FCM_SERVICE_ACCOUNT']],
  ['onesignal', 'onesignal', ['ONESIGNAL_APP_ID', 'ONESIGNAL_API_KEY']],
  ['webpush', 'web-push', ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY', 'VAPID_SUBJECT']],
];

/**
 * Which providers the environment names: for e-mail each server of SMTP, then SendGrid, in the order they are tried, for
 * push one for each platform. With none of a channel its messages go to files, by `email-outbox` or `push-outbox`.
 */
export function instanceProviders(config: ProviderVariables): Record<Channel, InstanceProvider[]> {
  const set = variables
    .filter(([, , names]) => names.every((name) => config[name] !== undefined))
    .flatMap(([kind, name]): InstanceProvider[] =>
      kind === 'smtp' ? namesOfServers(config).map((server) => ({ kind, name: server })) : [{ kind, name }],
    );
  const on = (channel: Channel) => set.filter(({ kind }) => channelOfProvider[kind] === channel);
  return { email: on('email'), push: on('push') };
}

function namesOfServers({ SMTP_URL = [] }: ProviderVariables): string[] {
  return SMTP_URL.map((_, index) => (index === 0 ? 'smtp' : `smtp-${index + 1}`));
}
