import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { ServiceAccount } from '@tidings/runtime';

/** A Google service account with a key of its own; `publicKey` is what Google keeps of it. */
export interface TestServiceAccount {
  account: ServiceAccount;
  publicKey: KeyObject;
}

export function makeServiceAccount(given: Partial<ServiceAccount> = {}): TestServiceAccount {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = {
    project_id: 'tidings-test',
    client_email: 'sender@tidings-test.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    token_uri: 'https://oauth2.googleapis.com/token',
    ...given,
  };
  return { account, publicKey };
}
