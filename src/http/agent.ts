import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent, type RequestOptions } from "node:https";

/** One pool of kept connections; a page of a list takes long enough to share them. */
const POOL = { keepAlive: true, maxSockets: 8 };

/**
 * Opens the connections to a server, straight or by a proxy.
 *
 * @param tls by which an HTTPS proxy is known too, as kubectl has it.
 * @param ending fires when nothing is waited for any more.
 */
export async function openAgent(
  server: URL,
  proxy: URL | undefined,
  tls: RequestOptions,
  ending: AbortSignal,
): Promise<HttpAgent> {
  const secure = server.protocol === "https:";
  if (proxy === undefined) return secure ? new HttpsAgent(POOL) : new HttpAgent(POOL);
  if (proxy.protocol.startsWith("socks")) {
    // CommonJS: once bundled it has this one name.
    const { SocksProxyAgent } = (await import("socks-proxy-agent")).default;
    // Names are the proxy's to find. Without a limit to its sockets: what it has queued behind one
    // that cannot be opened, it forgets.
    const address = proxy.href.replace(/^socks5:/, "socks5h:");
    return new SocksProxyAgent(address, { keepAlive: POOL.keepAlive });
  }
  const { HttpProxyAgent, HttpsProxyAgent } = await import("hpagent");
  const { ca, rejectUnauthorized = true } = tls;
  const known = ca === undefined ? {} : { ca: [ca].flat() as string[] };
  const proxyRequestOptions = { ...known, rejectUnauthorized, signal: ending };
  const options = { ...POOL, proxy, proxyRequestOptions };
  return secure ? new HttpsProxyAgent(options) : new HttpProxyAgent(options);
}
