import { z } from 'zod';
import { type ErrorCode, errorCatalogue } from './errors.ts';

const errorCodes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

/** Schema of a problem document (RFC 9457): the body of every answer of 400 and above, and of a bulk's bad item. */
export const problemDocument = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes).describe('Stable, machine-readable: what a program should look at.'),
    detail: z.string(),
    requestId: z.string(),
    errors: z
      .array(z.strictObject({ pointer: z.string().describe('RFC 6901 JSON pointer'), detail: z.string() }))
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document.' });
