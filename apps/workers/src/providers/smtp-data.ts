const dot = 0x2e;
const oneDot = Buffer.from('.');

/**
 * A message as it follows DATA: one more dot before each line that begins with one (RFC 5321 §4.5.2), and the line
 * with the final dot. A line begins after a bare CR or LF too, for a server that ended one there could be led to
 * take the rest of a message for another one.
 */
export function toDataOctets(raw: Buffer): Buffer {
  const end = raw.subarray(-2).equals(lineEnd) ? finalDot : lineEndAndFinalDot;
  const dots = dottedLines(raw);
  if (dots.length === 0) return Buffer.concat([raw, end], raw.length + end.length);
  const parts: Buffer[] = [];
  let from = 0;
  for (const at of dots) {
    parts.push(raw.subarray(from, at), oneDot);
    from = at;
  }
  return Buffer.concat([...parts, raw.subarray(from), end]);
}

const lineEnd = Buffer.from('\r\n');
const finalDot = Buffer.from('.\r\n');
const lineEndAndFinalDot = Buffer.from('\r\n.\r\n');

/** Where lines begin with a dot, in order. Most messages have none, which two searches tell. */
function dottedLines(raw: Buffer): number[] {
  const starts = [...afterEach(raw, '\n.'), ...afterEach(raw, '\r.')];
  if (raw[0] === dot) starts.push(0);
  return starts.length > 1 ? starts.sort((a, b) => a - b) : starts;
}

/** Where the dots are that follow the line end in `lineEndAndDot`. */
function afterEach(raw: Buffer, lineEndAndDot: string): number[] {
  const found: number[] = [];
  let at = raw.indexOf(lineEndAndDot, 0, 'latin1');
  while (at >= 0) {
    found.push(at + 1);
    at = raw.indexOf(lineEndAndDot, at + 2, 'latin1');
  }
  return found;
}
