import type { Agent, AgentOptions } from "node:http";
import { HttpProxyAgent, HttpsProxyAgent } from "hpagent";
import type { RequestOptions } from "node:https";
import { withBrackets, withoutBrackets } from "../url-host.ts";

/** The options of the connection to the proxy itself. */
type ProxyRequestOptions = Pick<
  RequestOptions,
  "ca" | "allowPartialTrustChain" | "rejectUnauthorized" | "checkServerIdentity" | "signal"
>;

interface ConnectOptions {
  readonly host?: string;
}

type Connect = (options: ConnectOptions, callback: unknown) => unknown;

/** Opens a pool of connections through a proxy, to a server with or without TLS. */
export function openTunnelAgent(
  proxy: URL,
  proxyRequestOptions: ProxyRequestOptions,
  pool: AgentOptions,
  secure: boolean,
): Agent {
  const { protocol, port, username, password } = proxy;
  const options = {
    ...pool,
    // Node's `request` takes an IPv6 address without its brackets.
    proxy: { protocol, port, username, password, hostname: withoutBrackets(proxy.hostname) } as URL,
    proxyRequestOptions: proxyRequestOptions as object,
  };
  const agent = secure ? new HttpsProxyAgent(options) : new HttpProxyAgent(options);
  const connectable = agent as unknown as { createConnection: Connect };
  const connect = connectable.createConnection.bind(agent);
  // The target of CONNECT is `host:port`, with an IPv6 address in brackets (RFC 9110 section 9.3.6).
  connectable.createConnection = (target, callback) =>
    connect({ ...target, host: withBrackets(target.host ?? "") }, callback);
  return agent;
}
