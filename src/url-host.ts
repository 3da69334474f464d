/** Returns an IPv6 address without the brackets that it has in a URL, and any other host unchanged. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** Returns an IPv6 address in brackets, as in a URL, and any other host unchanged. */
export function withBrackets(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
