import { lineOfText } from './text.ts';

/** How a caller names a recipient: by the id that the application gave it, or by ours. */
export const recipientId = lineOfText(255).meta({
  description: 'The external id, or our own (rcp_…).',
  examples: ['user-42'],
});
