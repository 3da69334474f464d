import { answer, type Passing } from "./proxy.ts";

/** What may happen to a request, and what is to be said of it. */
export interface Fault {
  readonly name: string;
  /** It may pass: another try is worth while. */
  readonly passes: boolean;
  /** Only of the pages after the first. */
  readonly midList?: true;
  /** `reason` of the gap that it leaves. */
  readonly gap: "unreachable" | "refused" | "forbidden" | "malformed" | "inconsistent";
  strike(passing: Passing): Promise<void> | void;
}

const JSON_TYPE = { "content-type": "application/json" };

function status(code: number, reason: string, message: string, more: object = {}): Buffer {
  const head = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
  return Buffer.from(JSON.stringify({ ...head, message, reason, code, ...more }));
}

function says(
  code: number,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Fault["strike"] {
  return ({ response }) => {
    response.writeHead(code, { "content-length": Buffer.byteLength(body), ...headers });
    response.end(body);
  };
}

const TEXT = { "content-type": "text/plain; charset=utf-8" };
const HTML = { "content-type": "text/html" };
const FORBIDDEN = 'x is forbidden: User "jane" cannot list resource "x" in API group ""';

/** Breaks off half way through the answer's body. */
function halfWay(
  headersOf: (length: number) => Readonly<Record<string, string | number>>,
  end: (passing: Passing) => void,
): Fault["strike"] {
  return async (passing) => {
    const { status: code, headers, body } = await passing.upstream();
    const { "content-type": type = "application/json" } = headers;
    passing.response.writeHead(code, { "content-type": type, ...headersOf(body.length) });
    passing.response.write(body.subarray(0, Math.ceil(body.length / 2)));
    setTimeout(() => end(passing), 5);
  };
}

const withLength = (length: number) => ({ "content-length": length });
const reset = ({ request }: Passing) => void request.socket.destroy();

export const FAULTS: readonly Fault[] = [
  { name: "reset before the answer", passes: true, gap: "unreachable", strike: reset },
  {
    name: "reset within the body",
    passes: true,
    gap: "unreachable",
    strike: halfWay(withLength, reset),
  },
  { name: "stalled", passes: true, gap: "unreachable", strike: () => undefined },
  {
    name: "stalled within the body",
    passes: true,
    gap: "unreachable",
    strike: halfWay(withLength, () => undefined),
  },
  {
    name: "cut short, with a length",
    passes: true,
    gap: "unreachable",
    strike: halfWay(withLength, ({ request }) => void request.socket.end()),
  },
  {
    name: "cut short, in chunks",
    passes: true,
    gap: "unreachable",
    strike: halfWay(
      () => ({}),
      ({ request }) => void request.socket.end(),
    ),
  },
  {
    name: "half a document",
    passes: true,
    gap: "unreachable",
    strike: async ({ response, upstream }) => {
      const whole = await upstream();
      answer(response, {
        ...whole,
        body: whole.body.subarray(0, Math.ceil(whole.body.length / 2)),
      });
    },
  },
  {
    name: "no gzip, although it says so",
    passes: true,
    gap: "unreachable",
    strike: async ({ response, upstream }) =>
      answer(response, await upstream(), { "content-encoding": "gzip" }),
  },
  {
    name: "401",
    passes: false,
    gap: "refused",
    strike: says(401, status(401, "Unauthorized", "Unauthorized")),
  },
  {
    name: "403",
    passes: false,
    gap: "forbidden",
    strike: says(403, status(403, "Forbidden", FORBIDDEN)),
  },
  {
    name: "404",
    passes: false,
    gap: "refused",
    strike: says(404, status(404, "NotFound", "not found")),
  },
  {
    name: "409",
    passes: false,
    gap: "refused",
    strike: says(409, status(409, "Conflict", "conflict")),
  },
  {
    name: "410 without a token",
    passes: false,
    gap: "refused",
    strike: says(410, status(410, "Expired", "expired")),
  },
  {
    name: "410 with a token to go on",
    passes: false,
    midList: true,
    gap: "inconsistent",
    strike: async (passing) => {
      const { request, response, upstream } = passing;
      const token = new URL(request.url ?? "/", "https://x").searchParams.get("continue") ?? "";
      const { rv, ...rest } = JSON.parse(Buffer.from(token, "base64url").toString());
      if (rv === -1) return answer(response, await upstream());
      const next = Buffer.from(JSON.stringify({ ...rest, rv: -1 })).toString("base64url");
      const body = status(410, "Expired", "expired", { metadata: { continue: next } });
      return says(410, body)(passing);
    },
  },
  {
    name: "429, JSON, Retry-After",
    passes: true,
    gap: "refused",
    strike: says(429, status(429, "TooManyRequests", "busy"), { ...JSON_TYPE, "retry-after": "1" }),
  },
  { name: "429, text", passes: true, gap: "refused", strike: says(429, "Too many requests", TEXT) },
  {
    name: "429, text, Retry-After",
    passes: true,
    gap: "refused",
    strike: says(429, "Too many requests", { ...TEXT, "retry-after": "2" }),
  },
  {
    name: "500",
    passes: true,
    gap: "refused",
    strike: says(500, status(500, "InternalError", "broken")),
  },
  { name: "503", passes: true, gap: "refused", strike: says(503, "unavailable", TEXT) },
  { name: "504", passes: true, gap: "refused", strike: says(504, "timed out", TEXT) },
  {
    name: "a login page",
    passes: false,
    gap: "malformed",
    strike: says(200, "<html>Log in</html>", HTML),
  },
  {
    name: "JSON of another kind",
    passes: false,
    gap: "malformed",
    strike: says(200, '{"kind":"Table","rows":[]}'),
  },
  { name: "JSON of no kind", passes: false, gap: "malformed", strike: says(200, "{}") },
  {
    name: "the first page again",
    passes: false,
    midList: true,
    gap: "malformed",
    strike: async ({ response, upstream }) => answer(response, await upstream(toTheStart)),
  },
  {
    name: "the first page again, under ever other tokens",
    passes: false,
    midList: true,
    gap: "malformed",
    strike: async ({ response, upstream }) => {
      const page = await upstream(toTheStart);
      const list = JSON.parse(page.body.toString());
      const token = Buffer.from(`{"rv":-1,"start":"${Math.random()}"}`).toString("base64url");
      const body = JSON.stringify({ ...list, metadata: { ...list.metadata, continue: token } });
      answer(response, { ...page, body: Buffer.from(body) });
    },
  },
];

function toTheStart(query: URLSearchParams): void {
  query.delete("continue");
}
