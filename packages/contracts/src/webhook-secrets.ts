import { z } from 'zod';

/** 24 to 64 octets in base64 after a prefix (Standard Webhooks, "Signature scheme"). */
export const webhookSecret = z
  .string()
  .regex(
    /^whsec_(?:(?:[A-Za-z0-9+/]{4}){8,20}(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?|(?:[A-Za-z0-9+/]{4}){21}[A-Za-z0-9+/]{2}==)$/,
    'must be whsec_ and 24 to 64 octets in base64',
  )
  .meta({ examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] });
