import { readFileSync } from 'node:fs';

const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * Where each frame of a SQLite write-ahead log begins, of those that count: a log is used again from its beginning,
 * and what is left of its last use bears another salt (sqlite.org/fileformat2.html#walformat).
 */
export function framesOfWal(path: string): { offsets: number[]; frameBytes: number } {
  const wal = readFileSync(path);
  const frameBytes = frameHeaderBytes + wal.readUInt32BE(8);
  const salt = wal.subarray(16, 24);
  const offsets: number[] = [];
  for (let at = headerBytes; at + frameBytes <= wal.length; at += frameBytes) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break;
    offsets.push(at);
  }
  return { offsets, frameBytes };
}
