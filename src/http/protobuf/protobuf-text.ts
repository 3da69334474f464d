import type { PbfReader } from "pbf";

/** Longer texts are hardly ever the same twice. */
const LONGEST = 128;
const SLOTS = 8192;
/**
 * Texts seen lately, each in the slot of its hash: names of labels, images and revisions come with
 * every pod, and are kept in memory once. Nothing but speed and memory depends on it.
 */
const seen: string[] = Array.from({ length: SLOTS }, () => "");

/** The UTF-8 text from the reader's position to `end`. */
export function readText(reader: PbfReader, end: number): string {
  const start = reader.pos;
  const bytes = reader.buf as Buffer;
  reader.pos = end;
  if (end - start > LONGEST) return bytes.toString("utf8", start, end);
  let hash = 0;
  let ascii = true;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    hash = Math.imul(hash, 31) + byte;
    ascii &&= byte < 0x80;
  }
  // Only of ASCII is a character a byte, so that the two can be compared.
  if (!ascii) return bytes.toString("utf8", start, end);
  const slot = (hash ^ (hash >>> 13)) & (SLOTS - 1);
  const known = seen[slot] ?? "";
  if (isSame(known, bytes, start, end)) return known;
  const read = bytes.toString("latin1", start, end);
  seen[slot] = read;
  return read;
}

function isSame(known: string, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let at = start; at < end; at += 1) {
    if (known.charCodeAt(at - start) !== bytes[at]) return false;
  }
  return true;
}
