import { createConsumer } from '@tidings/client';

// A program of a user's that takes events and never comes to an end with them, for a test to kill.
const { TIDINGS_URL = '', TIDINGS_API_KEY = '', CONSUMER = '' } = process.env;
createConsumer({
  url: TIDINGS_URL,
  apiKey: TIDINGS_API_KEY,
  name: CONSUMER,
  types: ['order.*'],
  leaseSeconds: 5,
  handler: ({ externalId }) => {
    console.log(`took ${externalId}`);
    return new Promise(() => {});
  },
});
