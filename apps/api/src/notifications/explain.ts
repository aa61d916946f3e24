import type { MakePlan, Plan } from '@tidings/accept';
import { type DryRun, explainNotification, type Lane, TidingsError, toProblem } from '@tidings/contracts';
import { isoOrNull, toIso } from '../iso.ts';
import { mutation } from '../operations.ts';
import type { ForeseeMessages } from './foresee.ts';

/**
 * `notifications.explain`: a send that is planned as any other, and then looked at instead of stored. A POST, for the
 * data. What the send would be refused for is part of the answer.
 */
export const explain = ({ makePlan, foresee }: { makePlan: MakePlan; foresee: ForeseeMessages }) =>
  mutation(explainNotification, async (input, { principal, requestId }) => {
    let plan: Plan;
    try {
      plan = await makePlan(principal.projectId, input);
    } catch (error) {
      if (!(error instanceof TidingsError)) throw error;
      return refused(input.lane, error, requestId);
    }
    const { notification } = plan.item;
    const { messages, knowsProviders, knowsRendering } = await foresee(plan.item, {
      isLocaleOfSend: input.locale !== undefined,
      showsAddress: principal.scopes.includes('read') || !('recipientId' in input.to),
    });
    return {
      wouldBeAccepted: true,
      refusal: null,
      recipientId: notification.recipientId ?? null,
      lane: notification.lane,
      category: notification.category ?? null,
      sendAt: isoOrNull(notification.sendAt ?? null),
      expiresAt: toIso(notification.expiresAt),
      messages,
      cannotKnow: [...always, ...(knowsProviders ? [] : [elsewhere]), ...(knowsRendering ? [] : [unread])],
    };
  });

const always: DryRun['cannotKnow'] = [
  {
    what: 'provider_health',
    detail: 'Which provider of the route is well at that time: where one is not, the next one is tried.',
  },
  {
    what: 'changes',
    detail:
      'What changes until it leaves: preferences, quiet hours, devices and suppressions count at that time.',
  },
];

const elsewhere: DryRun['cannotKnow'][number] = {
  what: 'instance_providers',
  detail:
    'Which providers the instance has: the workers run apart from this API, with an environment of their own.',
};

const unread: DryRun['cannotKnow'][number] = {
  what: 'rendering',
  detail: 'Whether it can be rendered: it speaks of the recipient, whom this key may not read.',
};

function refused(lane: Lane, error: TidingsError, requestId: string): DryRun {
  return {
    wouldBeAccepted: false,
    refusal: toProblem(error, requestId),
    recipientId: null,
    lane,
    category: null,
    sendAt: null,
    expiresAt: null,
    messages: [],
    cannotKnow: [],
  };
}
