import { accountsContract } from './accounts.contract.ts';
import { claimDecisionsContract } from './claim-decisions.contract.ts';
import { copiesContract } from './copies.contract.ts';
import { deadLettersContract } from './dead-letters.contract.ts';
import { doubtContract } from './doubt.contract.ts';
import { eraseContract } from './erase.contract.ts';
import { eventsContract } from './events.contract.ts';
import { feedbackContract } from './feedback.contract.ts';
import { happeningsContract } from './happenings.contract.ts';
import type { Database } from './index.ts';
import { keysContract } from './keys.contract.ts';
import { lanesContract } from './lanes.contract.ts';
import { preferencesContract } from './preferences.contract.ts';
import { retentionContract } from './retention.contract.ts';
import { storeContract } from './store.contract.ts';
import { subscriptionHealthContract } from './subscription-health.contract.ts';
import { subscriptionsContract } from './subscriptions.contract.ts';
import { suppressionsContract } from './suppressions.contract.ts';
import { templatesContract } from './templates.contract.ts';

const contracts = [
  storeContract,
  accountsContract,
  claimDecisionsContract,
  copiesContract,
  deadLettersContract,
  doubtContract,
  eraseContract,
  eventsContract,
  feedbackContract,
  happeningsContract,
  keysContract,
  lanesContract,
  preferencesContract,
  retentionContract,
  subscriptionHealthContract,
  subscriptionsContract,
  suppressionsContract,
  templatesContract,
];

/** Everything that every dialect must do. `open` gives an empty database with the schema in place. */
export function everyDialectKeepsTheContracts(dialect: string, open: () => Promise<Database>): void {
  for (const contract of contracts) contract(dialect, open);
}
