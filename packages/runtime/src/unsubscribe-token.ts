import { createHmac, timingSafeEqual } from 'node:crypto';
import { categoryKey, type IdKind, idPrefixes } from '@tidings/contracts';
import { keysFrom } from './secrets.ts';

/** What a link to unsubscribe says: from which category, who, and which message it stood in. */
export interface Unsubscription {
  projectId: string;
  messageId: string;
  /** A recipient, or the hash that the project knows an address by: hexadecimal, of 32 octets. */
  subject: { recipientId: string } | { addressHash: string };
  category: string;
}

const idBytes = 16;
const hashBytes = 32;
const macBytes = 16;
/** Of the first octet, which says whose id or hash follows. */
const ofRecipient = 1;
const ofAddress = 2;

/** The key of a project's tokens, from that of its suppressions, which never changes as secrets of logins do. */
export function unsubscribeKey(suppressionKey: string): Buffer {
  return keysFrom([suppressionKey], 'unsubscribe')[0];
}

/**
 * A token for a URL: ids in octets, the category, and HMAC-SHA-256 over both, cut to 128 bits (RFC 2104 §5 asks for half
 * of the hash at least), in base64url: the part that is hard to forge, as RFC 8058 §3.1 wants. It is the same for every
 * copy of a message, holds no address, and is good without end: a mail may be kept longer than its record.
 */
export function makeUnsubscribeToken(key: Buffer, unsubscription: Unsubscription): string {
  const { projectId, messageId, subject, category } = unsubscription;
  const said = Buffer.concat([
    Buffer.of('recipientId' in subject ? ofRecipient : ofAddress),
    octetsOf(projectId, 'project'),
    octetsOf(messageId, 'message'),
    'recipientId' in subject
      ? octetsOf(subject.recipientId, 'recipient')
      : Buffer.from(subject.addressHash, 'hex'),
    Buffer.from(category),
  ]);
  return Buffer.concat([said, macOf(key, said)]).toString('base64url');
}

/** What a token says, if it is one, and whether it was made with a key. Nothing of it is true until that was asked. */
export function readUnsubscribeToken(
  token: string,
): (Unsubscription & { isMadeWith: (key: Buffer) => boolean }) | undefined {
  const octets = Buffer.from(token, 'base64url');
  // Other spellings of the same octets are no tokens of ours.
  if (octets.toString('base64url') !== token) return undefined;
  const kind = octets[0];
  if (kind !== ofRecipient && kind !== ofAddress) return undefined;
  const subjectAt = 1 + 2 * idBytes;
  const categoryAt = subjectAt + (kind === ofRecipient ? idBytes : hashBytes);
  const macAt = octets.length - macBytes;
  if (macAt <= categoryAt) return undefined;
  const said = octets.subarray(0, macAt);
  const subject = said.toString('hex', subjectAt, categoryAt);
  const category = said.toString('utf8', categoryAt);
  // It is looked up before anybody knows whose it is, and Postgres takes no NUL.
  if (!categoryKey.safeParse(category).success) return undefined;
  return {
    projectId: idOf(said.subarray(1, 1 + idBytes), 'project'),
    messageId: idOf(said.subarray(1 + idBytes, subjectAt), 'message'),
    subject:
      kind === ofRecipient ? { recipientId: `${idPrefixes.recipient}_${subject}` } : { addressHash: subject },
    category,
    isMadeWith: (key) => timingSafeEqual(macOf(key, said), octets.subarray(macAt)),
  };
}

function macOf(key: Buffer, said: Buffer): Buffer {
  return createHmac('sha256', key).update(said).digest().subarray(0, macBytes);
}

/** An id without its prefix: 32 hexadecimal digits. */
function octetsOf(id: string, kind: IdKind): Buffer {
  const octets = Buffer.from(id.slice(idPrefixes[kind].length + 1), 'hex');
  if (octets.length !== idBytes) throw new Error(`${id} is no id of a ${kind}`);
  return octets;
}

function idOf(octets: Buffer, kind: IdKind): string {
  return `${idPrefixes[kind]}_${octets.toString('hex')}`;
}
