export * from './delivered-event.ts';
export { checkFilter } from './filter.ts';
export { type Matched, type Matching, matches } from './matches.ts';
export * from './notification.ts';
export { matchesType, namesHappenings } from './types.ts';
