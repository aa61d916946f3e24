import { Ajv } from 'ajv';
import {
  type HttpSink,
  type HttpSinkOptions,
  type HttpSinkReply,
  type HttpSinkRequest,
  startHttpSink,
} from './http-sink.ts';

/** A mail as it came, as far as tests look at it. */
export interface SendGridMail {
  personalizations: [{ to: [{ email: string; name?: string }]; custom_args: Record<string, string> }];
  headers: Record<string, string>;
  [more: string]: unknown;
}

export interface SendGridSink extends HttpSink {
  readonly apiKey: string;
  /** The mails that were taken: a copy is one more, for SendGrid does not know one from another. */
  readonly taken: SendGridMail[];
}

const text = { type: 'string', minLength: 1 };
const person = object({ email: { type: 'string' }, name: text }, ['email']);

/** The fields of `POST /v3/mail/send` that Tidings may use, with SendGrid's own limits. */
const validate = new Ajv({ strict: true, strictTypes: false }).compile(
  object(
    {
      personalizations: {
        type: 'array',
        minItems: 1,
        maxItems: 1000,
        items: object(
          {
            to: { type: 'array', minItems: 1, items: person },
            custom_args: { type: 'object', additionalProperties: { type: 'string' } },
          },
          ['to'],
        ),
      },
      from: person,
      reply_to: person,
      reply_to_list: { type: 'array', minItems: 1, maxItems: 1000, items: person },
      subject: text,
      content: { type: 'array', minItems: 1, items: object({ type: text, value: text }, ['type', 'value']) },
      attachments: {
        type: 'array',
        items: object(
          {
            content: text,
            type: text,
            filename: text,
            disposition: { enum: ['inline', 'attachment'] },
            content_id: text,
          },
          ['content', 'filename'],
        ),
      },
      categories: {
        type: 'array',
        maxItems: 10,
        uniqueItems: true,
        items: { type: 'string', maxLength: 255 },
      },
      headers: {
        type: 'object',
        additionalProperties: { type: 'string' },
        propertyNames: {
          not: {
            pattern:
              '^([Xx]-[Ss][Gg]-[Ee]?[Ii][Dd]|[Rr]eceived|[Dd]kim-[Ss]ignature|[Cc]ontent-.*|[Tt]o|[Ff]rom|[Ss]ubject|[Rr]eply-[Tt]o|[Cc][Cc]|[Bb][Cc][Cc])$',
          },
        },
      },
    },
    ['personalizations', 'from', 'subject', 'content'],
  ),
);

/** SendGrid's Web API v3 on 127.0.0.1: `/v3/mail/send` and `/v3/scopes`. */
export async function startSendGridSink(
  options: HttpSinkOptions & { scopes?: string[] } = {},
): Promise<SendGridSink> {
  const { scopes = ['mail.send', 'sender_verification_eligible'], ...sinkOptions } = options;
  const apiKey = 'SG.of-the-sink';
  const taken: SendGridMail[] = [];

  function judge({ method, path, headers, json }: HttpSinkRequest): HttpSinkReply {
    if (headers.authorization !== `Bearer ${apiKey}`) {
      return fault(401, 'The provided authorization grant is invalid, expired, or revoked');
    }
    if (method === 'GET' && path === '/v3/scopes') return { status: 200, body: { scopes } };
    if (method !== 'POST' || path !== '/v3/mail/send') return fault(404, 'not found');
    if (!validate(json)) {
      const [error] = validate.errors ?? [];
      return fault(400, `${error?.message}`, error?.instancePath.slice(1).replaceAll('/', '.'));
    }
    const mail = json as unknown as SendGridMail;
    const [{ email }] = mail.personalizations[0].to;
    if (!/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) {
      return fault(400, 'Does not contain a valid address.', 'personalizations.0.to.0.email');
    }
    taken.push(mail);
    return { status: 202, headers: { 'x-message-id': `sg-${taken.length}` }, body: '' };
  }

  const sink = await startHttpSink(judge, sinkOptions);
  return Object.defineProperties({ apiKey, taken } as SendGridSink, Object.getOwnPropertyDescriptors(sink));
}

function fault(status: number, message: string, field: string | null = null): HttpSinkReply {
  return { status, body: { errors: [{ message, field, help: null }] } };
}

function object(properties: object, required: string[] = []): object {
  return { type: 'object', properties, required, additionalProperties: false };
}
