import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** The decompressed body of a response. */
export interface Body {
  readonly bytes: Buffer;
  /** Returns the memory to the pool: after this call the bytes are invalid. */
  readonly release: () => void;
}

const FIRST_SIZE = 256 * 1024;
/** The number of bytes that are decompressed at a time. */
const CHUNK_SIZE = 64 * 1024;
/** The number of free buffers for each kind: one list has a current page and a next page. */
const MAX_FREE = 2;

/**
 * Creates a function that reads response bodies into reusable buffers. A page decompresses to
 * megabytes outside the heap, which are freed only when the heap is collected. Without reuse, tens of
 * megabytes would wait for the garbage collector at any time.
 *
 * @returns a function that reads one body and rejects if the body is incomplete. Bodies of the same
 *   `kind` have similar sizes and share buffers.
 */
export function createBodyReader(): (response: IncomingMessage, kind: string) => Promise<Body> {
  const freeByKind = new Map<string, Buffer[]>();

  return async (response, kind) => {
    const free = freeByKind.get(kind) ?? [];
    freeByKind.set(kind, free);
    let memory = free.pop() ?? Buffer.allocUnsafeSlow(FIRST_SIZE);
    let length = 0;
    try {
      for await (const chunk of decompressed(response)) {
        if (length + chunk.length > memory.length) memory = grown(memory, length + chunk.length);
        chunk.copy(memory, length);
        length += chunk.length;
      }
    } finally {
      // The unread rest of a corrupt body would block its connection.
      if (!response.complete) response.destroy();
    }
    let released = false;
    return {
      bytes: memory.subarray(0, length),
      release: () => {
        if (!released && free.length < MAX_FREE) free.push(memory);
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

function decompressed(response: IncomingMessage): Readable & AsyncIterable<Buffer> {
  if (response.headers["content-encoding"] !== "gzip") return response;
  const gunzip = createGunzip({ chunkSize: CHUNK_SIZE });
  // `pipe` does not forward errors.
  response.once("error", (error) => gunzip.destroy(error));
  return response.pipe(gunzip);
}
