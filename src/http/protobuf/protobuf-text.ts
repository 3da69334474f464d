import type { PbfReader } from "pbf";

/** The length above which texts rarely repeat. */
const MAX_LENGTH = 128;
const SLOTS = 8192;
/**
 * A cache of recent texts, each in the slot of its hash. The names of labels, images and revisions
 * repeat in every pod, and the cache keeps one copy. Only speed and memory depend on it.
 */
const recent: string[] = Array.from({ length: SLOTS }, () => "");

/** Reads the UTF-8 text from the reader's position to `end`. */
export function readText(reader: PbfReader, end: number): string {
  const start = reader.pos;
  const bytes = reader.buf as Buffer;
  reader.pos = end;
  if (end - start > MAX_LENGTH) return bytes.toString("utf8", start, end);
  let hash = 0;
  let ascii = true;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    hash = Math.imul(hash, 31) + byte;
    ascii &&= byte < 0x80;
  }
  // Only in ASCII is each character one byte, so that a text can be compared with bytes.
  if (!ascii) return bytes.toString("utf8", start, end);
  const slot = (hash ^ (hash >>> 13)) & (SLOTS - 1);
  const known = recent[slot] ?? "";
  if (isSame(known, bytes, start, end)) return known;
  const read = bytes.toString("latin1", start, end);
  recent[slot] = read;
  return read;
}

function isSame(known: string, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let at = start; at < end; at += 1) {
    if (known.charCodeAt(at - start) !== bytes[at]) return false;
  }
  return true;
}
