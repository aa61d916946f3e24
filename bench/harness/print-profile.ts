import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { type CpuProfile, type SelfTime, selfTimes, selfTimesByPlace } from './self-time.ts';

const top = 25;

/** Says where the time went in each profile of a folder. */
export function printProfiles(bench: Bench, id: string, dir: string): void {
  for (const name of readdirSync(dir).filter((file) => file.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(dir, name), 'utf8')) as CpuProfile;
    const { functions, idleShare } = selfTimes(profile, top);
    bench.say(`\n${id}: ${join(dir, name)}, idle ${percent(idleShare)}; self time of the rest:`);
    for (const one of functions) bench.say(`  ${percent(one.share).padStart(6)}  ${one.name}`);
    bench.say(`  by place: ${selfTimesByPlace(profile).slice(0, 15).map(describe).join(', ')}\n`);
  }
}

function describe({ name, share }: SelfTime): string {
  return `${name} ${percent(share)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
