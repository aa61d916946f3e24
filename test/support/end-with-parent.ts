const ends = new Set<() => void>();
process.once('exit', () => {
  for (const end of ends) end();
});

/** Has `end` called when this process exits, unless the function that it answers was called before. */
export function endWithParent(end: () => void): () => void {
  ends.add(end);
  return () => void ends.delete(end);
}
