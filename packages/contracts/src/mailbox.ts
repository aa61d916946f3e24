import { z } from 'zod';
import { emailAddress } from './text.ts';

/** An address and the name that stands before it, which may be empty. */
export interface NamedAddress {
  name: string;
  address: string;
}

// One line without what means something in a list of mailboxes (RFC 5322 §3.2.3), but for dots, as everyone writes.
const bareName = /^[^\p{Cc}\u2028\u2029()<>[\]:;@\\,"]+$/u;
const quotedName = /^"([^\p{Cc}\u2028\u2029\\"]+)"$/u;
const nameAndAddress = /^(.*\S)\s*<([^<>]*)>$/u;

/**
 * Reads one mailbox: `help@acme.example`, `Acme <help@acme.example>` or `"Acme, Inc." <help@acme.example>`. A list, a
 * group or a comment is none; nor is what has a line break anywhere.
 */
export function readMailbox(text: string): NamedAddress | undefined {
  const [, before = '', between] = nameAndAddress.exec(text) ?? [];
  const address = between ?? text;
  const name = quotedName.exec(before)?.[1] ?? before;
  const isNameReadable = before === '' || bareName.test(before) || quotedName.test(before);
  return isNameReadable && emailAddress.safeParse(address).success ? { name, address } : undefined;
}

/** A mailbox as it is written: an address, with or without a name. */
export const mailbox = z
  .string()
  .max(500)
  .refine((text) => text.isWellFormed() && readMailbox(text) !== undefined, {
    message: 'must be one mailbox such as Acme <help@acme.example>',
  })
  .meta({ examples: ['Acme <help@acme.example>'] });
