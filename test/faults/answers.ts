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

export function respondWith(
  code: number,
  body: Buffer | string,
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Fault["apply"] {
  return ({ response }) => {
    response.writeHead(code, { "content-length": Buffer.byteLength(body), ...headers });
    response.end(body);
  };
}

/** Returns a fault that answers with a `Status` of the API server. */
function statusFault(code: number, reason: string, message: string): Fault {
  const transient = code === 429 || code >= 500;
  const gap = code === 403 ? "forbidden" : code === 401 ? "unauthorized" : "refused";
  return {
    name: String(code),
    transient,
    gap,
    apply: respondWith(code, status(code, reason, message)),
  };
}

/** Returns a fault that answers with text, as a proxy or an overloaded API server does. */
function textFault(name: string, code: number, text: string, headers = {}): Fault {
  return {
    name,
    transient: true,
    gap: "refused",
    apply: respondWith(code, text, { ...TEXT, ...headers }),
  };
}

const foreign = { transient: false, gap: "malformed" } as const;

export const ANSWERS: readonly Fault[] = [
  statusFault(401, "Unauthorized", "Unauthorized"),
  statusFault(403, "Forbidden", FORBIDDEN),
  statusFault(404, "NotFound", "not found"),
  statusFault(409, "Conflict", "conflict"),
  statusFault(410, "Expired", "expired"),
  statusFault(429, "TooManyRequests", BUSY),
  {
    ...statusFault(429, "TooManyRequests", BUSY),
    name: "429, Retry-After",
    apply: respondWith(429, status(429, "TooManyRequests", BUSY), {
      ...JSON_TYPE,
      "retry-after": "1",
    }),
  },
  textFault("429 in text", 429, BUSY),
  textFault("429 in text, Retry-After", 429, BUSY, { "retry-after": "2" }),
  {
    ...textFault("429 in text, Retry-After with a time", 429, BUSY),
    apply: (intercepted) => {
      const soon = { "retry-after": new Date(Date.now() + 3000).toUTCString() };
      return respondWith(429, BUSY, { ...TEXT, ...soon })(intercepted);
    },
  },
  // The program does not wait for an hour.
  {
    ...textFault("429 in text, Retry-After of an hour", 429, BUSY, { "retry-after": "3600" }),
    transient: false,
  },
  statusFault(500, "InternalError", "broken"),
  textFault("503", 503, "unavailable"),
  textFault("504", 504, "timed out"),
  { ...foreign, name: "a login page", apply: respondWith(200, "<html>Log in</html>", HTML) },
  {
    ...foreign,
    name: "JSON of another kind",
    apply: respondWith(200, '{"kind":"Table","rows":[]}'),
  },
  { ...foreign, name: "JSON of no kind", apply: respondWith(200, "{}") },
];
