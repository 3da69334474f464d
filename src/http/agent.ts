import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type RequestOptions } from "node:https";
import { checkName } from "../connection/server-name.ts";
import { withoutBrackets } from "../url-host.ts";

/** The options of a connection pool. */
export interface Pool {
  readonly keepAlive: boolean;
  readonly maxSockets: number;
}

/** The pool of requests. Eight sockets suffice, because requests share them. */
export const REQUESTS: Pool = { keepAlive: true, maxSockets: 8 };

/** The pool of watches. A watch keeps its socket, which must not be one of the requests. */
export const WATCHES: Pool = { keepAlive: true, maxSockets: 16 };

/**
 * Opens a pool of connections to a server, either directly or through a proxy.
 *
 * @param tls the TLS options for the server, which also apply to an HTTPS proxy, as in kubectl.
 * @param closing the signal that aborts connection attempts.
 */
export async function openAgent(
  server: URL,
  proxy: URL | undefined,
  tls: RequestOptions,
  closing: AbortSignal,
  pool: Pool,
): Promise<HttpAgent> {
  const secure = server.protocol === "https:";
  // Since 22.23, Node shares no connection between requests with a check of names if the agent has none.
  const check = tls.checkServerIdentity && { checkServerIdentity: tls.checkServerIdentity };
  const options = { ...pool, ...check };
  if (proxy === undefined) return secure ? new HttpsAgent(options) : new HttpAgent(pool);
  if (proxy.protocol.startsWith("socks")) {
    // The bundled CommonJS package has only a default export.
    const { SocksProxyAgent } = (await import("socks-proxy-agent")).default;
    // socks5h: the proxy resolves names. There is no limit of sockets, because the agent forgets the
    // requests that wait for a socket that cannot be opened.
    const agent = new SocksProxyAgent(proxy.href.replace(/^socks5:/, "socks5h:"), {
      keepAlive: pool.keepAlive,
      ...check,
    });
    agent.proxy.host = withoutBrackets(proxy.hostname);
    return agent;
  }
  const { openTunnelAgent } = await import("./tunnel-agent.ts");
  const { ca, allowPartialTrustChain, rejectUnauthorized = true } = tls;
  const authority = ca === undefined ? {} : { ca, allowPartialTrustChain };
  const checkServerIdentity = checkName(withoutBrackets(proxy.hostname));
  const forProxy = { ...authority, rejectUnauthorized, checkServerIdentity, signal: closing };
  return openTunnelAgent(proxy, forProxy, options, secure);
}
