import type { Row } from './row.ts';
import { acceptRows } from './rows/accept.ts';
import { deliveryRows } from './rows/delivery.ts';
import { eventRows } from './rows/events.ts';
import { installRows } from './rows/install.ts';
import { scaleRows } from './rows/scale.ts';

const groups: Readonly<Record<string, Row[]>> = {
  accept: acceptRows,
  deliver: deliveryRows,
  events: eventRows,
  scale: scaleRows,
  install: installRows,
};

/** The rows of these ids and groups in the order of the table; all of them when none is named. */
export function rowsNamed(names: string[]): Row[] {
  const all = Object.values(groups).flat();
  const wanted = new Set<string>();
  for (const name of names) {
    const found = groups[name] ?? all.filter(({ id }) => id.toLowerCase() === name.toLowerCase());
    if (found.length === 0) {
      const known = [...Object.keys(groups), ...all.map(({ id }) => id)];
      throw new Error(`"${name}" is no row: there are ${known.join(', ')}`);
    }
    for (const { id } of found) wanted.add(id);
  }
  return names.length === 0 ? all : all.filter(({ id }) => wanted.has(id));
}
