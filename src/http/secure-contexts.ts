import type { RequestOptions } from "node:https";
import { createSecureContext, type SecureContext } from "node:tls";

/** The options of a request, with the TLS context of its connection; without one for plain HTTP. */
export type ConnectionOptions = RequestOptions & { readonly secureContext?: SecureContext };

/**
 * Returns a function that adds the TLS context to the options of a request. The context is that of
 * the request before, as long as the certificates are the same. Without it, Node parses all
 * certificates again for each connection. This takes half of the CPU time of a connection, and more
 * if the authorities of the whole machine are trusted.
 */
export function createSecureContexts({
  protocol,
}: URL): (options: RequestOptions) => ConnectionOptions {
  if (protocol === "http:") return (options) => options;
  let last: RequestOptions = {};
  let secureContext: SecureContext | undefined;
  return (options) => {
    const { ca, cert, key } = options;
    const isSame = last.ca === ca && last.cert === cert && last.key === key;
    if (secureContext === undefined || !isSame) secureContext = createSecureContext(options);
    last = options;
    return { ...options, secureContext };
  };
}
