import type { AcceptItem } from './index.ts';

let made = 0;

/** A notification with messages, ready to be accepted; ids sort by the order they were made. */
export function acceptItem(options: {
  projectId: string;
  notification?: Partial<AcceptItem['notification']>;
  message?: Partial<AcceptItem['messages'][number]>;
  messages?: number;
}): AcceptItem {
  const { projectId, notification, message, messages = 1 } = options;
  made += 1;
  const number = String(made).padStart(6, '0');
  const id = `ntf_${number}`;
  const expiresAt = Date.now() + 3_600_000;
  return {
    notification: {
      id,
      projectId,
      data: {},
      metadata: {},
      lane: 'normal',
      expiresAt,
      answer: { id, status: 'accepted', messages: [] },
      ...notification,
    },
    messages: Array.from({ length: messages }, (_, index) => ({
      id: `msg_${number}${index}`,
      notificationId: id,
      projectId,
      channel: 'email',
      lane: 'normal',
      status: 'queued',
      address: 'somebody@example.com',
      onAmbiguous: 'resend',
      place: 'queue',
      expiresAt,
      ...message,
    })),
  };
}
