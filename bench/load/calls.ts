/** The calls that a load is made of. */
export type Call = 'trpc send' | 'rest send' | 'trpc sendMany' | 'trpc publish';

/** Notifications in each call of `trpc sendMany`. */
export const itemsPerBulk = 500;
