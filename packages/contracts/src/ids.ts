import { z } from 'zod';

/** Prefix of each kind of id. */
export const idPrefixes = {
  account: 'acc',
  invitation: 'inv',
  session: 'ses',
  audit: 'aud',
  project: 'prj',
  apiKey: 'key',
  recipient: 'rcp',
  device: 'dev',
  template: 'tpl',
  notification: 'ntf',
  message: 'msg',
  provider: 'prv',
  suppression: 'sup',
  event: 'evt',
  subscription: 'sub',
  copy: 'cpy',
} as const;
export type IdKind = keyof typeof idPrefixes;

/** Schema of an id of this kind: prefix, underscore, 32 hexadecimal digits of a UUID version 7 (RFC 9562). */
export function idSchema(kind: IdKind) {
  const prefix = idPrefixes[kind];
  return z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-f]{32}$`), `must be an id such as ${prefix}_0199…`)
    .meta({ examples: [`${prefix}_019a0c2f3b7d7c3e8f10a2b4c6d8e0f1`] });
}
