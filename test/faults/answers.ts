import type { Fault } from "./faults.ts";

const JSON_TYPE = { "content-type": "application/json" };
const TEXT = { "content-type": "text/plain; charset=utf-8" };
const HTML = { "content-type": "text/html" };
const FORBIDDEN = 'x is forbidden: User "jane" cannot list resource "x" in API group ""';
const BUSY = "Too many requests, please try again later.";

export function status(code: number, reason: string, message: string, more: object = {}): Buffer {
  const head = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
  return Buffer.from(JSON.stringify({ ...head, message, reason, code, ...more }));
}

export function says(
  code: number,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Fault["strike"] {
  return ({ response }) => {
    response.writeHead(code, { "content-length": Buffer.byteLength(body), ...headers });
    response.end(body);
  };
}

/** What the API server answers, in its own words. */
function refusal(code: number, reason: string, message: string): Fault {
  const passes = code === 429 || code >= 500;
  const gap = code === 403 ? "forbidden" : "refused";
  return { name: String(code), passes, gap, strike: says(code, status(code, reason, message)) };
}

/** What somebody on the way answers, or the API server where it is too busy for more. */
function inText(name: string, code: number, text: string, headers = {}): Fault {
  return { name, passes: true, gap: "refused", strike: says(code, text, { ...TEXT, ...headers }) };
}

const foreign = { passes: false, gap: "malformed" } as const;

export const ANSWERS: readonly Fault[] = [
  refusal(401, "Unauthorized", "Unauthorized"),
  refusal(403, "Forbidden", FORBIDDEN),
  refusal(404, "NotFound", "not found"),
  refusal(409, "Conflict", "conflict"),
  refusal(410, "Expired", "expired"),
  refusal(429, "TooManyRequests", BUSY),
  {
    ...refusal(429, "TooManyRequests", BUSY),
    name: "429, Retry-After",
    strike: says(429, status(429, "TooManyRequests", BUSY), { ...JSON_TYPE, "retry-after": "1" }),
  },
  inText("429 in text", 429, BUSY),
  inText("429 in text, Retry-After", 429, BUSY, { "retry-after": "2" }),
  {
    ...inText("429 in text, Retry-After a time", 429, BUSY),
    strike: (passing) => {
      const soon = { "retry-after": new Date(Date.now() + 3000).toUTCString() };
      return says(429, BUSY, { ...TEXT, ...soon })(passing);
    },
  },
  // Longer than anything is waited for.
  {
    ...inText("429 in text, Retry-After an hour", 429, BUSY, { "retry-after": "3600" }),
    passes: false,
  },
  refusal(500, "InternalError", "broken"),
  inText("503", 503, "unavailable"),
  inText("504", 504, "timed out"),
  { ...foreign, name: "a login page", strike: says(200, "<html>Log in</html>", HTML) },
  { ...foreign, name: "JSON of another kind", strike: says(200, '{"kind":"Table","rows":[]}') },
  { ...foreign, name: "JSON of no kind", strike: says(200, "{}") },
];
