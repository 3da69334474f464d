import { BlockList, isIP, isIPv6 } from "node:net";
import type { Env } from "../io.ts";
import { CannotRun } from "../errors.ts";
import { withoutBrackets } from "../url-host.ts";
import type { Cluster } from "./kubeconfig-file.ts";

const KUBECONFIG_SCHEMES = ["http:", "https:", "socks5:"];
const ENVIRONMENT_SCHEMES = [...KUBECONFIG_SCHEMES, "socks5h:"];

/**
 * Returns the proxy for a server, or `undefined` for a direct connection. The `proxy-url` of the
 * kubeconfig takes precedence over the environment, which is read by the rules of Go.
 *
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy
 * @throws CannotRun if the proxy is invalid. The program does not fall back to a direct connection.
 */
export function chooseProxy(server: URL, cluster: Cluster, env: Env): URL | undefined {
  const own = cluster["proxy-url"];
  if (own !== undefined) {
    return parseProxy(own, KUBECONFIG_SCHEMES, `the proxy-url of the cluster "${cluster.name}"`);
  }
  const name = server.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const address = variable(env, name);
  if (address === undefined || !isProxied(server, variable(env, "NO_PROXY") ?? "")) {
    return undefined;
  }
  const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(address) ? address : `http://${address}`;
  return parseProxy(whole, ENVIRONMENT_SCHEMES, name);
}

function parseProxy(address: string, schemes: readonly string[], what: string): URL {
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  const isOne = proxy !== undefined && schemes.includes(proxy.protocol) && proxy.hostname !== "";
  if (isOne && isEncoded(proxy.username) && isEncoded(proxy.password)) return proxy;
  throw new CannotRun(
    `${what} is not an http, https or socks5 address`,
    "write it as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT",
  );
}

/** True if the percent-encoding of a user or password is valid. Go rejects an invalid one. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Reads an environment variable, whose upper-case name takes precedence over the lower-case one. */
function variable(env: Env, name: string): string | undefined {
  return env[name] || env[name.toLowerCase()] || undefined;
}

/** True unless the server is this machine or `NO_PROXY` lists it. */
function isProxied(server: URL, noProxy: string): boolean {
  const host = withoutBrackets(server.hostname).toLowerCase();
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  if (host === "localhost" || contains(LOOPBACK, host)) return false;
  const entries = noProxy.split(",").map((entry) => entry.trim().toLowerCase());
  return !entries.some((entry) => entry !== "" && (entry === "*" || matches(entry, host, port)));
}

/** True if an entry of `NO_PROXY` includes the host: an IP range, an address, or a domain name. */
function matches(entry: string, host: string, port: string): boolean {
  const [, address = "", bits] = /^([\da-f.:]+)\/(\d+)$/.exec(entry) ?? [];
  if (isIP(address) !== 0) return contains(subnet(address, Number(bits)), host);
  const [, name = entry, only] = /^(\[.*\]|[^:]*):([^:]*)$/.exec(entry) ?? [];
  if (only && only !== port) return false;
  const bare = withoutBrackets(name);
  if (isIP(bare) !== 0) return isIP(host) !== 0 && contains(subnet(bare), host);
  // A name includes itself and its subdomains. A leading dot limits it to the subdomains.
  const below = bare.replace(/^\*(?=\.)/, "");
  if (below === "" || isIP(host) !== 0) return false;
  return below.startsWith(".")
    ? host.endsWith(below)
    : host === below || host.endsWith(`.${below}`);
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

function subnet(address: string, bits?: number): BlockList {
  const list = new BlockList();
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  if (bits === undefined) list.addAddress(address, family);
  else if (bits <= (family === "ipv6" ? 128 : 32)) list.addSubnet(address, bits, family);
  return list;
}

function contains(list: BlockList, host: string): boolean {
  return isIP(host) !== 0 && list.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}
