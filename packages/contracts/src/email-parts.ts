import { z } from 'zod';
import { mailbox } from './mailbox.ts';
import { lineOfText } from './text.ts';

/** What the attachments of one notification may have together, decoded: 700 KB, so that a request holds them in base64. */
export const maxAttachmentBytes = 700 * 1024;

/** How many bytes padded base64 (RFC 4648 §4) stands for. */
export function decodedBytes(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

// RFC 2045 §5.1: a token, and a type with the two parameters that say something of a file.
const token = "[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+";
const mediaType = new RegExp(`^${token}/${token}(?:; ?(?:charset|name)=(?:${token}|"[ !#-\\[\\]-~]*"))*$`);

const contentType = z
  .string()
  .max(255)
  .regex(mediaType, 'must be a media type such as application/pdf, with no parameter but charset and name')
  // Their contents may not be encoded (RFC 2046 §5), and so may hold what ends the mail that they are in.
  .refine((type) => !/^(?:multipart|message)\//i.test(type), {
    message: 'must not be multipart or message: send such a file as application/octet-stream',
  })
  .meta({ examples: ['application/pdf'] });

const filename = lineOfText(255)
  .refine((name) => !/[/\\]/.test(name) && name !== '.' && name !== '..', {
    message: 'must be a name without a path',
  })
  .meta({ examples: ['invoice-1042.pdf'] });

/** A file of an e-mail, by its contents: there is no way to name one by a path or a URL. */
export const emailAttachment = z.strictObject({
  filename,
  contentType,
  content: z
    .base64('must be base64 with padding and without line ends (RFC 4648 §4)')
    .min(1)
    .meta({
      description: 'The file in base64.',
      examples: ['JVBERi0xLjcK'],
    }),
  contentId: z
    .string()
    .regex(/^[A-Za-z0-9_.@+-]{1,128}$/, 'must be 1 to 128 letters, digits and _ . @ + -')
    .optional()
    .meta({ description: 'With one, the HTML shows the file where it says `cid:` and this.' }),
});
export type EmailAttachment = z.infer<typeof emailAttachment>;

const attachments = z
  .array(emailAttachment)
  .min(1)
  .max(10)
  .refine((files) => !hasTwice(files.flatMap(({ contentId }) => contentId ?? [])), {
    message: 'must not repeat a contentId',
  })
  .refine(
    (files) => files.reduce((sum, { content }) => sum + decodedBytes(content), 0) <= maxAttachmentBytes,
    {
      message: `must have ${maxAttachmentBytes} bytes (700 KB) together at most, decoded`,
    },
  );

/** Fields beside `X-…` that change neither who gets an e-mail nor how it is read, by how their value is written. */
const harmlessFields = {
  text: ['Comments', 'Organization'],
  // What means something in them would not outlive an encoding (RFC 2047 §5).
  ascii: [
    ...['Auto-Submitted', 'Feedback-ID', 'Importance', 'Precedence', 'Priority', 'Sensitivity'],
    ...['List-Archive', 'List-Help', 'List-Id', 'List-Owner', 'List-Post', 'List-Subscribe'],
  ],
  messageIds: ['In-Reply-To', 'References'],
};
const harmless = new Map(
  Object.entries(harmlessFields).flatMap(([kind, names]) => names.map((name) => [name.toLowerCase(), kind])),
);
const namesOfHarmless = Object.values(harmlessFields).flat().sort().join(', ');

// Relays take recipients from these.
const relayCommands = new Set(['x-mc-bccaddress', 'x-msys-api', 'x-smtpapi']);

function isFreeField(name: string): boolean {
  const lower = name.toLowerCase();
  return harmless.has(lower) || (/^x-./.test(lower) && !relayCommands.has(lower));
}

// RFC 5322 §3.6.4, without its comments.
const messageIds = /^<[!-;=?-~]+>(?: <[!-;=?-~]+>)*$/;

const headerField = z
  .strictObject({
    name: z
      .string()
      // RFC 5322 §3.6.8.
      .regex(/^[!-9;-~]{1,77}$/, 'must be a name of 1 to 77 printable ASCII characters without a colon')
      .refine(isFreeField, { message: `is reserved; free are X-… and ${namesOfHarmless}` })
      .meta({ examples: ['X-Campaign'] }),
    value: lineOfText(998)
      .refine((value) => /\S/u.test(value) && !/[\u2028\u2029]/u.test(value), {
        message: 'must be a line of text',
      })
      // RFC 5322 §2.1.1: a line may have 998 octets, and is folded at spaces only.
      .refine((value) => !/\S{900}/u.test(value), { message: 'must have a space within 900 characters' })
      .meta({ examples: ['spring-2027'] }),
  })
  .refine(({ name, value }) => harmless.get(name.toLowerCase()) !== 'ascii' || /^[ -~]+$/.test(value), {
    path: ['value'],
    message: 'must be printable ASCII',
  })
  .refine(({ name, value }) => harmless.get(name.toLowerCase()) !== 'messageIds' || messageIds.test(value), {
    path: ['value'],
    message: 'must be message ids such as <1@acme.example>, with a space between them',
  });

/** What an e-mail has beside its content. Nothing in it is a template. */
export const emailParts = z
  .strictObject({
    replyTo: z.array(mailbox).min(1).max(5).optional().meta({ description: 'Who gets the answers.' }),
    headers: z
      .array(headerField)
      .min(1)
      .max(20)
      .refine((fields) => !hasTwice(fields.map(({ name }) => name.toLowerCase())), {
        message: 'must not repeat a name',
      })
      .optional(),
    attachments: attachments.optional(),
    tags: z
      .array(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 letters, digits and _ . -'))
      .min(1)
      .max(10)
      .refine((tags) => !hasTwice(tags), { message: 'must not repeat a tag' })
      .optional()
      .meta({ description: 'What the provider counts the e-mail under, where it does.' }),
  })
  .meta({
    examples: [
      {
        replyTo: ['Acme <help@acme.example>'],
        headers: [{ name: 'X-Campaign', value: 'spring-2027' }],
        attachments: [
          { filename: 'invoice-1042.pdf', contentType: 'application/pdf', content: 'JVBERi0xLjcK' },
        ],
        tags: ['invoice'],
      },
    ],
  });
export type EmailParts = z.infer<typeof emailParts>;

/** The same as an export tells of it: of a file its name, type and size. */
export const describedEmailParts = z.strictObject({
  ...emailParts.shape,
  attachments: z
    .array(
      z.strictObject({
        ...emailAttachment.omit({ content: true }).shape,
        bytes: z
          .int()
          .min(0)
          .meta({ examples: [9] }),
      }),
    )
    .optional(),
});

export type DescribedEmailParts = z.infer<typeof describedEmailParts>;

/** Leaves the contents of files out. */
export function describeEmailParts({ attachments, ...others }: EmailParts): DescribedEmailParts {
  const described = attachments?.map(({ content, ...about }) => ({ ...about, bytes: decodedBytes(content) }));
  return { ...others, ...(described && { attachments: described }) };
}

function hasTwice(names: string[]): boolean {
  return new Set(names).size < names.length;
}
