export {
  type Consumer,
  type ConsumerOptions,
  type ConsumerSettings,
  createConsumer,
  type Handling,
} from './consumer.ts';
export { createTidings, type TidingsOptions } from './create-tidings.ts';
export {
  type ErrorCode,
  isApiError,
  type Problem,
  problemOf,
  TidingsApiError,
  TidingsConnectionError,
} from './errors.ts';
export type { CallOptions, Mutation, Query, Tidings } from './tidings.ts';
