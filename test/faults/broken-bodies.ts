import { gzipSync } from "node:zlib";
import { protobufBody } from "../support/build/protobuf.ts";
import type { Fault } from "./faults.ts";
import { answer, type InterceptedRequest, type Upstream } from "./proxy.ts";

const broken = { transient: true, gap: "unreachable", carriedOut: true } as const;
const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** Sends half of the body and ends the connection. */
function halfWay(
  headersOf: (length: number) => Readonly<Record<string, string | number>>,
  end: (intercepted: InterceptedRequest) => void,
): Fault["apply"] {
  return async (intercepted) => {
    const { status: code, headers, body } = await intercepted.upstream();
    const { "content-type": type = "application/json" } = headers;
    intercepted.response.writeHead(code, { "content-type": type, ...headersOf(body.length) });
    intercepted.response.write(half(body));
    setTimeout(() => end(intercepted), 5);
  };
}

/** Replaces the body of the API server's answer and sets the right length. */
function instead(
  body: (whole: Upstream) => Buffer,
  headers: Readonly<Record<string, string>> = {},
): Fault["apply"] {
  return async ({ response, upstream }) => {
    const whole = await upstream();
    answer(response, { ...whole, body: body(whole) }, headers);
  };
}

const half = (body: Buffer) => body.subarray(0, Math.ceil(body.length / 2));
const withLength = (length: number) => ({ "content-length": length });
const inChunks = () => ({});
const reset = ({ request }: InterceptedRequest) => void request.socket.destroy();
const hangUp = ({ request }: InterceptedRequest) => void request.socket.end();
const gzip = { "content-encoding": "gzip" };

/**
 * Returns a protobuf message of the right kind that ends within its only item, also for JSON
 * answers.
 */
function halfProtobuf({ body }: Upstream): Buffer {
  if (body.toString("latin1", 0, 3) === "k8s") return half(body);
  const [, kind = "Status"] = /"kind":\s*"(\w+)"/.exec(body.toString("utf8", 0, 200)) ?? [];
  return half(protobufBody(kind, (writer) => writer.writeBytesField(2, Buffer.alloc(200, 1))));
}

export const BROKEN_BODIES: readonly Fault[] = [
  { ...broken, name: "reset within the body", apply: halfWay(withLength, reset) },
  { ...broken, name: "stalled within the body", apply: halfWay(withLength, () => undefined) },
  { ...broken, name: "cut short, with a length", apply: halfWay(withLength, hangUp) },
  { ...broken, name: "cut short, in chunks", apply: halfWay(inChunks, hangUp) },
  { ...broken, name: "half a document", apply: instead(({ body }) => half(body)) },
  {
    ...broken,
    name: "half a document of protobuf",
    apply: instead(halfProtobuf, { "content-type": PROTOBUF }),
  },
  {
    ...broken,
    name: "a plain body declared as gzip",
    apply: instead(({ body }) => body, gzip),
  },
  { ...broken, name: "half a gzip", apply: instead(({ body }) => half(gzipSync(body)), gzip) },
];
