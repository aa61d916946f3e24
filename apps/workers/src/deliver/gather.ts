/**
 * Milliseconds that claims, and settlements, keep between their commits while many follow each other. A commit
 * costs about a millisecond of disk whatever it holds, and jobs start and end one by one: without this a commit
 * held two messages of those that were under way. One that comes after a pause is committed at once.
 */
export const gatherMs = 20;
