import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** The bytes of an answer, unpacked. */
export interface Body {
  readonly bytes: Buffer;
  /** After it the bytes are another answer's. */
  readonly release: () => void;
}

const FIRST_SIZE = 256 * 1024;
/** Of what is unpacked at a time. */
const CHUNK_SIZE = 64 * 1024;
/** Of one list: the page that is read, and the next one. */
const MOST_KEPT = 2;

/**
 * Reads bodies into memory that is used again. A page unpacks to megabytes, and memory outside the
 * heap is only given back when the heap is collected: left to that, tens of megabytes wait for it
 * at any time.
 *
 * @returns what reads one answer; `kind` is what is about as large. It rejects where the answer stops
 *   before its end.
 */
export function createBodyReader(): (response: IncomingMessage, kind: string) => Promise<Body> {
  const freeByKind = new Map<string, Buffer[]>();

  return async (response, kind) => {
    const free = freeByKind.get(kind) ?? [];
    freeByKind.set(kind, free);
    let memory = free.pop() ?? Buffer.allocUnsafeSlow(FIRST_SIZE);
    let length = 0;
    try {
      for await (const chunk of unpacked(response)) {
        if (length + chunk.length > memory.length) memory = grown(memory, length + chunk.length);
        chunk.copy(memory, length);
        length += chunk.length;
      }
    } finally {
      // Of what cannot be unpacked the rest would keep its connection busy, unread.
      if (!response.complete) response.destroy();
    }
    let released = false;
    return {
      bytes: memory.subarray(0, length),
      release: () => {
        if (!released && free.length < MOST_KEPT) free.push(memory);
        released = true;
      },
    };
  };
}

function grown(memory: Buffer, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, memory.length * 2));
  memory.copy(larger);
  return larger;
}

function unpacked(response: IncomingMessage): Readable & AsyncIterable<Buffer> {
  if (response.headers["content-encoding"] !== "gzip") return response;
  const gunzip = createGunzip({ chunkSize: CHUNK_SIZE });
  // `pipe` leaves errors where they are.
  response.once("error", (error) => gunzip.destroy(error));
  return response.pipe(gunzip);
}
