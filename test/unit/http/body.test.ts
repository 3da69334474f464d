import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createBodyReader } from "../../../src/http/body.ts";

function answer(bytes: Buffer, encoding?: string): IncomingMessage {
  const chunks = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) =>
    bytes.subarray(index * 1000, (index + 1) * 1000),
  );
  const headers = encoding === undefined ? {} : { "content-encoding": encoding };
  return Object.assign(Readable.from(chunks), { headers }) as unknown as IncomingMessage;
}

const zipped = (bytes: Buffer) => answer(gzipSync(bytes), "gzip");

test("a body of any size is read unchanged, compressed or not", async () => {
  const bodies = createBodyReader();
  const read = (response: IncomingMessage) => bodies(response, "PodList");
  for (const size of [0, 1, 999, 256 * 1024, 256 * 1024 + 1, 3_000_000]) {
    const sent = randomBytes(size);
    for (const body of [await read(answer(sent)), await read(zipped(sent))]) {
      expect(body.bytes.equals(sent)).toBe(true);
      body.release();
    }
  }
});

test("a buffer is not reused before it is released", async () => {
  const bodies = createBodyReader();
  const read = (response: IncomingMessage) => bodies(response, "PodList");
  const first = await read(answer(Buffer.from("first")));
  const second = await read(answer(Buffer.from("second")));
  expect([String(first.bytes), String(second.bytes)]).toEqual(["first", "second"]);
});

test("a released buffer is reused once, even if it is released twice", async () => {
  const bodies = createBodyReader();
  const read = (response: IncomingMessage) => bodies(response, "PodList");
  const first = await read(answer(Buffer.from("first")));
  first.release();
  first.release();
  const second = await read(answer(Buffer.from("second")));
  const third = await read(answer(Buffer.from("third")));
  expect(second.bytes.buffer).toBe(first.bytes.buffer);
  expect(third.bytes.buffer).not.toBe(first.bytes.buffer);
});

test("a buffer is reused for the same kind only", async () => {
  const read = createBodyReader();
  const pods = await read(answer(Buffer.from("pods")), "PodList");
  pods.release();
  const status = await read(answer(Buffer.from("status")), "Status");
  expect(status.bytes.buffer).not.toBe(pods.bytes.buffer);
});

test("an incomplete body is an error", async () => {
  const bodies = createBodyReader();
  const read = (response: IncomingMessage) => bodies(response, "PodList");
  const whole = gzipSync(Buffer.alloc(5000, "a"));
  await expect(read(answer(whole.subarray(0, whole.length - 9), "gzip"))).rejects.toThrow(
    "unexpected end of file",
  );
  async function* reset() {
    yield whole.subarray(0, 20);
    throw new Error("reset");
  }
  for (const headers of [{}, { "content-encoding": "gzip" }]) {
    const cut = Object.assign(Readable.from(reset()), { headers }) as unknown as IncomingMessage;
    await expect(read(cut)).rejects.toThrow("reset");
  }
});

test("a corrupt body closes its connection", async () => {
  const bodies = createBodyReader();
  const garbled = Buffer.concat([gzipSync("a").subarray(0, 10), Buffer.alloc(500_000, 0xff)]);
  const response = answer(garbled, "gzip");
  await expect(bodies(response, "PodList")).rejects.toThrow("invalid");
  expect(response.destroyed).toBe(true);
});

test.each([
  ["plain", (bytes: Buffer) => answer(bytes)],
  ["compressed", zipped],
])("a %s body that is too large is an error before it fills the memory", async (_how, respond) => {
  const bodies = createBodyReader(1024 * 1024);
  const fits = await bodies(respond(Buffer.alloc(1024 * 1024)), "PodList");
  expect(fits.bytes.length).toBe(1024 * 1024);
  await expect(bodies(respond(Buffer.alloc(64 * 1024 * 1024)), "PodList")).rejects.toMatchObject({
    code: "EMSGSIZE",
    message: "the response is larger than 1 MiB",
  });
});
