import { ApiError } from "./api-error.ts";

/** OpenSSL's codes for a certificate that leads to no trusted authority. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "CERT_SIGNATURE_FAILURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Returns the error of a request without a complete response. */
export function transportError(cause: unknown, url: URL, proxy: URL | undefined): ApiError {
  const error = cause as TransportFailure;
  const way = proxy === undefined ? "" : ` through the proxy ${proxy.host}:`;
  const { reason, what } = meaningOf(error, proxy ?? url);
  return new ApiError(`${url.host}:${way} ${what}`, { status: 0, reason }, { cause });
}

type TransportFailure = NodeJS.ErrnoException & {
  /** The bytes that are no HTTP/1.1. */
  readonly rawPacket?: Buffer;
};

function meaningOf(
  error: TransportFailure,
  { host, hostname }: URL,
): { readonly reason: string; readonly what: string } {
  const { code = "transport", message } = error;
  if (UNTRUSTED.has(code)) {
    return {
      reason: "untrusted",
      what: `no trusted authority has signed the server's certificate (${message})`,
    };
  }
  if (isHttp2Only(error)) {
    return {
      reason: "http2",
      what: "the server offers only HTTP/2, and this program speaks only HTTP/1.1",
    };
  }
  const reason = code.startsWith("Z_") ? "truncated" : code;
  const what = (message || reason)
    .replace(/^Bad response: /, "it answered ")
    // Node appends the address, which is useful only if it differs from the host before the message.
    .replace(/ (\S+)$/, (end, address) => ([host, hostname].includes(address) ? "" : end));
  return { reason, what };
}

/**
 * True if the server rejects HTTP/1.1 in the TLS handshake (RFC 7301 section 3.2), or answers with the
 * SETTINGS frame of HTTP/2 (RFC 9113 sections 3.4 and 6.5).
 */
function isHttp2Only({ message, rawPacket }: TransportFailure): boolean {
  if (/alert no application protocol/i.test(message)) return true;
  return rawPacket?.[3] === 4 && rawPacket.subarray(4, 9).equals(NO_FLAGS_STREAM_0);
}

const NO_FLAGS_STREAM_0 = Buffer.alloc(5);
