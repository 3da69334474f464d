import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type RequestOptions } from "node:https";

/** The options of a connection pool. Eight sockets suffice, because requests share them. */
const POOL = { keepAlive: true, maxSockets: 8 };

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
): Promise<HttpAgent> {
  const secure = server.protocol === "https:";
  if (proxy === undefined) return secure ? new HttpsAgent(POOL) : new HttpAgent(POOL);
  if (proxy.protocol.startsWith("socks")) {
    // The bundled CommonJS package has only a default export.
    const { SocksProxyAgent } = (await import("socks-proxy-agent")).default;
    // socks5h: the proxy resolves names. There is no limit of sockets, because the agent forgets the
    // requests that wait for a socket that cannot be opened.
    const address = proxy.href.replace(/^socks5:/, "socks5h:");
    return new SocksProxyAgent(address, { keepAlive: POOL.keepAlive });
  }
  const { HttpProxyAgent, HttpsProxyAgent } = await import("hpagent");
  const { ca, rejectUnauthorized = true } = tls;
  const authority = ca === undefined ? {} : { ca: [ca].flat() as string[] };
  const proxyRequestOptions = { ...authority, rejectUnauthorized, signal: closing };
  const options = { ...POOL, proxy, proxyRequestOptions };
  return secure ? new HttpsProxyAgent(options) : new HttpProxyAgent(options);
}
