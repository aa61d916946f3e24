import { z } from 'zod';

// NUL breaks Postgres text, lone surrogates cannot be encoded as UTF-8, and no control character belongs in
// an address, a name or a header.
const controlCharacters = /\p{Cc}/u;

/** One line of text of 1 to `max` characters without control characters or lone surrogates. */
export function lineOfText(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !controlCharacters.test(text), {
      message: 'must not contain control characters or lone surrogates',
    });
}

/** Any text up to `max` characters; the body reader has already refused NUL and lone surrogates. */
export function freeText(max: number) {
  return z.string().max(max);
}

/**
 * An e-mail address as one mailbox in ASCII: no quoted local part, no group, no comment, no control
 * character, at most 254 characters of which 64 before the @ (RFC 5321 §4.5.3.1, erratum 1690). Internationalised domains are
 * written in punycode.
 */
export const emailAddress = z
  .email('must be a plain e-mail address such as ada@example.com')
  .max(254)
  .refine((address) => address.indexOf('@') <= 64, { message: 'has more than 64 characters before the @' })
  .meta({ examples: ['ada@example.com'] });

/** A BCP 47 language tag, for instance `fr-CA`. */
export const locale = z
  .string()
  .max(35)
  .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a BCP 47 language tag such as fr-CA')
  .meta({ examples: ['fr-CA'] });

/** An IANA time zone, for instance `Europe/Paris`. */
export const timezone = z
  .string()
  .max(64)
  .refine(isTimezone, { message: 'must be an IANA time zone such as Europe/Paris' })
  .meta({ examples: ['Europe/Paris'] });

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}

/** A JSON object of the application's own. Depth, NUL and the like are refused by the body reader. */
export const jsonObject = z.record(z.string().max(256), z.unknown()).meta({ type: 'object' });
export type JsonObject = Record<string, unknown>;

/** An instant with an offset (RFC 3339). */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be a date and time with an offset such as 2027-01-31T08:00:00Z' })
  .meta({ examples: ['2027-01-31T08:00:00Z'] });
