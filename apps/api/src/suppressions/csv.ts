import { type SuppressionView, stoppingReasons, TidingsError } from '@tidings/contracts';
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';

const columns = ['channel', 'address', 'category', 'reason', 'note', 'createdAt'] as const;

/**
 * A page of the list as lines of CSV (RFC 4180), the first with a header. A cell that a spreadsheet would take for a
 * formula gets an apostrophe in front (OWASP, "CSV Injection").
 */
export function writeCsv(page: { items: SuppressionView[] }, isFirst: boolean): string {
  return stringify(page.items, {
    columns: [...columns],
    header: isFirst,
    record_delimiter: '\r\n',
    escape_formulas: true,
  });
}

const linesAtMost = 1000;
const columnsAtMost = 100;
const lineBytesAtMost = 100_000;
const notesAtMost = 500;
const breaks = /\p{Cc}+/gu;

/**
 * The items of an import, from CSV with a header line: what `writeCsv` wrote, or what SendGrid (`email`, `reason`,
 * `created`) and Mailgun (`address`, `code`, `error`, `created_at`) let one download. Names of columns are taken in
 * any case, columns that are not known are passed over, and a reason in words of another service becomes the note.
 *
 * @throws TidingsError `invalid_csv` for what is no CSV, or has no column of addresses, or is wider than any list of
 * addresses: each cell takes time and memory, wanted or not.
 */
export function readCsv(text: string): { items: Array<Record<string, string>> } {
  const lines = linesOf(text);
  const [first] = lines;
  if (first !== undefined && !('address' in first || 'email' in first)) {
    throw new TidingsError('invalid_csv', { detail: 'No column is called address or email' });
  }
  return { items: lines.map(itemOf) };
}

function linesOf(text: string): Array<Record<string, string>> {
  try {
    return parse(text, {
      bom: true,
      columns: (names: string[]) => names.map((name) => name.trim().toLowerCase()),
      cast: withinWidth,
      max_record_size: lineBytesAtMost,
      skip_empty_lines: true,
      // One more than is taken, so that whoever sends more hears of it.
      to: linesAtMost + 1,
      trim: true,
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new TidingsError('invalid_csv', { detail: cause.message, cause });
  }
}

/** Called for each cell as it is read, so that a line of millions costs no more than the first hundred. */
function withinWidth(cell: string, { index }: { index: number }): string {
  if (index < columnsAtMost) return cell;
  throw new TidingsError('invalid_csv', { detail: `A line has more than ${columnsAtMost} cells` });
}

function itemOf(line: Record<string, string>): Record<string, string> {
  const reason = line.reason?.toLowerCase() ?? '';
  const isOurs = stoppingReasons.some((one) => one === reason);
  const theirs = isOurs ? '' : (line.reason ?? '');
  const cells = {
    channel: line.channel,
    address: line.address ?? line.email,
    category: line.category,
    reason: isOurs ? reason : '',
    // What another service quotes may be long, and of several lines.
    note: line.note ?? shortened(theirs || (line.error ?? '')),
  };
  return Object.fromEntries(
    Object.entries(cells).flatMap(([name, cell]) =>
      // A value that is empty is as if it had never been given, but for the address, which is then missed.
      cell === undefined || (cell === '' && name !== 'address') ? [] : [[name, withoutApostrophe(cell)]],
    ),
  );
}

function shortened(text: string): string {
  return text.replaceAll(breaks, ' ').trim().slice(0, notesAtMost).toWellFormed();
}

/** What `writeCsv` put in front of a formula. */
function withoutApostrophe(cell: string): string {
  return /^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell;
}
