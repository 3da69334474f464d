import { gzipSync } from "node:zlib";
import { protobufBody } from "../support/build/protobuf.ts";
import type { Fault } from "./faults.ts";
import { answer, type Passing, type Upstream } from "./proxy.ts";

const broken = { passes: true, gap: "unreachable", carriedOut: true } as const;
const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** Breaks off half way through the answer's body. */
function halfWay(
  headersOf: (length: number) => Readonly<Record<string, string | number>>,
  end: (passing: Passing) => void,
): Fault["strike"] {
  return async (passing) => {
    const { status: code, headers, body } = await passing.upstream();
    const { "content-type": type = "application/json" } = headers;
    passing.response.writeHead(code, { "content-type": type, ...headersOf(body.length) });
    passing.response.write(half(body));
    setTimeout(() => end(passing), 5);
  };
}

/** Answers with other bytes than the API server did, whose length is right. */
function instead(
  body: (whole: Upstream) => Buffer,
  headers: Readonly<Record<string, string>> = {},
): Fault["strike"] {
  return async ({ response, upstream }) => {
    const whole = await upstream();
    answer(response, { ...whole, body: body(whole) }, headers);
  };
}

const half = (body: Buffer) => body.subarray(0, Math.ceil(body.length / 2));
const withLength = (length: number) => ({ "content-length": length });
const inChunks = () => ({});
const reset = ({ request }: Passing) => void request.socket.destroy();
const hangUp = ({ request }: Passing) => void request.socket.end();
const gzip = { "content-encoding": "gzip" };

/** An answer of the right kind that breaks off within its only item, also of what sends JSON. */
function halfProtobuf({ body }: Upstream): Buffer {
  if (body.toString("latin1", 0, 3) === "k8s") return half(body);
  const [, kind = "Status"] = /"kind":\s*"(\w+)"/.exec(body.toString("utf8", 0, 200)) ?? [];
  return half(protobufBody(kind, (writer) => writer.writeBytesField(2, Buffer.alloc(200, 1))));
}

export const BROKEN_BODIES: readonly Fault[] = [
  { ...broken, name: "reset within the body", strike: halfWay(withLength, reset) },
  { ...broken, name: "stalled within the body", strike: halfWay(withLength, () => undefined) },
  { ...broken, name: "cut short, with a length", strike: halfWay(withLength, hangUp) },
  { ...broken, name: "cut short, in chunks", strike: halfWay(inChunks, hangUp) },
  { ...broken, name: "half a document", strike: instead(({ body }) => half(body)) },
  {
    ...broken,
    name: "half a document of protobuf",
    strike: instead(halfProtobuf, { "content-type": PROTOBUF }),
  },
  {
    ...broken,
    name: "no gzip, although it says so",
    strike: instead(({ body }) => body, gzip),
  },
  { ...broken, name: "half a gzip", strike: instead(({ body }) => half(gzipSync(body)), gzip) },
];
