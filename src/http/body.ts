import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** The decompressed body of a response. */
export interface Body {
  readonly bytes: Buffer;
  /** Returns the memory to the pool: after this call the bytes are invalid. */
  readonly release: () => void;
}

/** The size of a new buffer, and the number of bytes that are decompressed at a time. */
const FIRST_SIZE = 256 * 1024;
const CHUNK_SIZE = 64 * 1024;
/** The least of these sizes, if clusters share them. */
const LEAST_SIZE = 16 * 1024;
/** The number of bytes of the largest body: a page of 500 objects of half a megabyte each. */
const MOST_BYTES = 256 * 1024 * 1024;
/** The number of free buffers for each kind and cluster: one list has a current page and a next page. */
const MAX_FREE = 2;

/** Reads one body. Bodies of the same kind have similar sizes and share buffers. */
export type BodyReader = (response: IncomingMessage, kind: string) => Promise<Body>;

/**
 * Creates a function that reads response bodies into reusable buffers. A page decompresses to
 * megabytes outside the heap, which are freed only when the heap is collected. Without reuse, tens of
 * megabytes would wait for the garbage collector at any time.
 *
 * @param mostBytes the number of bytes of the largest body, decompressed.
 * @param clusters the number of clusters that are read at the same time, with smaller pages.
 * @returns a function that reads one body and rejects if the body is incomplete or too large. Bodies of the same
 *   `kind` have similar sizes and share buffers.
 */
export function createBodyReader(mostBytes = MOST_BYTES, clusters = 1): BodyReader {
  const maxFree = MAX_FREE * clusters;
  const firstSize = Math.max(LEAST_SIZE, FIRST_SIZE / clusters);
  const chunkSize = Math.max(LEAST_SIZE, CHUNK_SIZE / clusters);
  const freeByKind = new Map<string, Buffer[]>();

  return async (response, kind) => {
    const free = freeByKind.get(kind) ?? [];
    freeByKind.set(kind, free);
    let memory = free.pop() ?? Buffer.allocUnsafeSlow(firstSize);
    let length = 0;
    try {
      for await (const chunk of decompressed(response, chunkSize)) {
        if (length + chunk.length > mostBytes) throw tooLarge(mostBytes);
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
        if (!released && free.length < maxFree) free.push(memory);
        released = true;
      },
    };
  };
}

function tooLarge(mostBytes: number): Error {
  const message = `the response is larger than ${mostBytes / 1024 / 1024} MiB`;
  return Object.assign(new Error(message), { code: "EMSGSIZE" });
}

function grown(memory: Buffer, needed: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, memory.length * 2));
  memory.copy(larger);
  return larger;
}

function decompressed(
  response: IncomingMessage,
  chunkSize: number,
): Readable & AsyncIterable<Buffer> {
  if (response.headers["content-encoding"] !== "gzip") return response;
  const gunzip = createGunzip({ chunkSize });
  // `pipe` does not forward errors.
  response.once("error", (error) => gunzip.destroy(error));
  return response.pipe(gunzip);
}
