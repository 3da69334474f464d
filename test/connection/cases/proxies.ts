import type { Case } from "../case.ts";
import { config } from "../kubeconfig.ts";

const one = { token: "one" };
const API = "https://api.test:{https}";
/** Returns a kubeconfig with a server whose name only the proxies can resolve. */
const named = (more: object = {}) => config(one, { server: API, ...more });
const HTTP = "http://127.0.0.1:{httpProxy}";
const THROUGH = { authorization: "Bearer one", host: "api.test", sni: "api.test" };
const UNREACHABLE = { refused: /could not read from the API server of .*: api\.test:\d+: / };

function noProxy(value: string, used: boolean): Case {
  return {
    name: `NO_PROXY=${value}`,
    files: { config: named() },
    env: { HTTPS_PROXY: HTTP, NO_PROXY: value },
    expect: used ? { ...THROUGH, proxy: "http api.test:{https}" } : UNREACHABLE,
  };
}

/** Returns a case for `0.0.0.0`, which is this machine but not a loopback address. */
function noProxyOfAddress(value: string, used: boolean): Case {
  const server = "https://0.0.0.0:{https}";
  const arrives = { authorization: "Bearer one", host: "0.0.0.0", sni: "api.test" };
  return {
    name: `NO_PROXY=${value} for an address`,
    files: { config: config(one, { server, "tls-server-name": "api.test" }) },
    env: { HTTPS_PROXY: HTTP, NO_PROXY: value },
    expect: used ? { ...arrives, proxy: "http 0.0.0.0:{https}" } : arrives,
  };
}

/** Cases about proxies. */
export const PROXIES: readonly Case[] = [
  {
    name: "proxy-url of an HTTP proxy",
    files: { config: named({ "proxy-url": HTTP }) },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "proxy-url with a user",
    files: { config: named({ "proxy-url": "http://al%40ice:pa%3Ass@127.0.0.1:{httpProxy}" }) },
    expect: { ...THROUGH, proxy: "http al@ice:pa:ss@api.test:{https}" },
  },
  {
    name: "proxy-url of an HTTPS proxy",
    files: { config: named({ "proxy-url": "https://127.0.0.1:{httpsProxy}" }) },
    expect: { ...THROUGH, proxy: "https api.test:{https}" },
  },
  {
    name: "proxy-url of a SOCKS proxy",
    files: { config: named({ "proxy-url": "socks5://127.0.0.1:{socksProxy}" }) },
    expect: { ...THROUGH, proxy: "socks5 api.test:{https}" },
  },
  {
    name: "an HTTPS proxy whose intermediate certificate is the authority",
    files: {
      config: named({
        "proxy-url": "https://127.0.0.1:{chainProxy}",
        "certificate-authority-data": "{bothData}",
      }),
    },
    expect: { ...THROUGH, proxy: "https api.test:{https}" },
  },
  ...["http", "https", "socks5"].map((scheme): Case => {
    const port = { http: "{httpProxy}", https: "{httpsProxy}", socks5: "{socksProxy}" }[scheme];
    const address = scheme === "socks5" ? "[fd00:0000:0000:0000:0000:0000:0000:0009]" : "[fd00::9]";
    return {
      name: `the IPv6 address of a server through a ${scheme} proxy`,
      files: {
        config: config(one, {
          server: "https://[fd00::9]:{https}",
          "proxy-url": `${scheme}://127.0.0.1:${port}`,
        }),
      },
      expect: {
        authorization: "Bearer one",
        host: "[fd00::9]",
        proxy: `${scheme} ${address}:{https}`,
      },
    };
  }),
  {
    name: "an IPv6 address of a server that its certificate does not have, through a proxy",
    files: { config: config(one, { server: "https://[fd00::8]:{https}", "proxy-url": HTTP }) },
    expect: { refused: /\[fd00::8\]:\d+: .*IP: fd00::8 is not in the cert's list/ },
  },
  {
    name: "the IPv4 address of a server through a SOCKS proxy",
    files: { config: config(one, { "proxy-url": "socks5://127.0.0.1:{socksProxy}" }) },
    expect: { authorization: "Bearer one", proxy: "socks5 127.0.0.1:{https}" },
  },
  {
    name: "the IPv6 address of a server in plain HTTP through a proxy",
    files: {
      config: config(
        {},
        { server: "http://[fd00::9]:{http}", "certificate-authority-data": undefined },
      ),
    },
    env: { HTTP_PROXY: HTTP },
    expect: { secure: false, host: "[fd00::9]", proxy: "http [fd00::9]:{http}" },
  },
  {
    name: "the IPv6 address of an HTTP proxy",
    ipv6: true,
    files: { config: named() },
    env: { HTTPS_PROXY: "http://[::1]:{httpProxy6}" },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "the IPv6 address of a SOCKS proxy",
    ipv6: true,
    files: { config: named({ "proxy-url": "socks5://[::1]:{socksProxy6}" }) },
    expect: { ...THROUGH, proxy: "socks5 api.test:{https}" },
  },
  {
    name: "proxy-url with an unknown scheme",
    files: { config: named({ "proxy-url": "socks4://127.0.0.1:{socksProxy}" }) },
    expect: {
      refused: 'the proxy-url of the cluster "one" is not an http, https or socks5 address',
    },
  },
  {
    name: "proxy-url that is not an address",
    files: { config: named({ "proxy-url": "127.0.0.1:{httpProxy}" }) },
    expect: {
      refused: 'the proxy-url of the cluster "one" is not an http, https or socks5 address',
    },
  },
  {
    name: "proxy-url with a user in invalid percent-encoding",
    files: { config: named({ "proxy-url": "socks5://al%ice@127.0.0.1:{socksProxy}" }) },
    expect: {
      refused: 'the proxy-url of the cluster "one" is not an http, https or socks5 address',
    },
  },
  {
    name: "proxy-url applies to this machine and ignores NO_PROXY",
    files: { config: config(one, { "proxy-url": HTTP }) },
    env: { NO_PROXY: "*" },
    expect: { authorization: "Bearer one", proxy: "http 127.0.0.1:{https}" },
  },
  {
    name: "proxy-url overrides HTTPS_PROXY",
    files: { config: named({ "proxy-url": HTTP }) },
    env: { HTTPS_PROXY: "http://127.0.0.1:1" },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "a client certificate through a proxy",
    files: {
      config: config(
        { "client-certificate-data": "{aliceData}", "client-key-data": "{aliceKeyData}" },
        { server: API, "proxy-url": HTTP },
      ),
    },
    expect: {
      certificate: "alice",
      host: "api.test",
      sni: "api.test",
      proxy: "http api.test:{https}",
    },
  },
  {
    name: "HTTPS_PROXY",
    files: { config: named() },
    env: { HTTPS_PROXY: HTTP },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "https_proxy",
    files: { config: named() },
    env: { https_proxy: HTTP },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "HTTPS_PROXY overrides https_proxy",
    files: { config: named() },
    env: { HTTPS_PROXY: HTTP, https_proxy: "http://127.0.0.1:1" },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "HTTPS_PROXY without a scheme",
    files: { config: named() },
    env: { HTTPS_PROXY: "127.0.0.1:{httpProxy}" },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "HTTPS_PROXY of an HTTPS proxy",
    files: { config: named() },
    env: { HTTPS_PROXY: "https://127.0.0.1:{httpsProxy}" },
    expect: { ...THROUGH, proxy: "https api.test:{https}" },
  },
  {
    name: "HTTPS_PROXY of a SOCKS proxy",
    files: { config: named() },
    env: { HTTPS_PROXY: "socks5://127.0.0.1:{socksProxy}" },
    expect: { ...THROUGH, proxy: "socks5 api.test:{https}" },
  },
  {
    name: "HTTPS_PROXY with the scheme socks5h",
    files: { config: named() },
    env: { HTTPS_PROXY: "socks5h://127.0.0.1:{socksProxy}" },
    expect: { ...THROUGH, proxy: "socks5 api.test:{https}" },
  },
  {
    name: "HTTPS_PROXY with an unknown scheme",
    files: { config: named() },
    env: { HTTPS_PROXY: "ftp://127.0.0.1:{httpProxy}" },
    expect: { refused: "HTTPS_PROXY is not an http, https or socks5 address" },
    // kubectl takes this for an HTTP proxy.
    kubectl: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  {
    name: "HTTPS_PROXY does not apply to this machine",
    files: { config: config(one) },
    env: { HTTPS_PROXY: "http://127.0.0.1:1" },
    expect: { authorization: "Bearer one" },
  },
  {
    name: "HTTPS_PROXY does not apply to localhost",
    files: {
      config: config(one, { server: "https://localhost:{https}", "tls-server-name": "api.test" }),
    },
    env: { HTTPS_PROXY: "http://127.0.0.1:1" },
    expect: { authorization: "Bearer one", host: "localhost", sni: "api.test" },
  },
  {
    name: "HTTP_PROXY does not apply to https",
    files: { config: named() },
    env: { HTTP_PROXY: HTTP },
    expect: UNREACHABLE,
  },
  {
    name: "ALL_PROXY is ignored",
    files: { config: named() },
    env: { ALL_PROXY: HTTP, all_proxy: HTTP },
    expect: UNREACHABLE,
  },
  {
    name: "HTTP_PROXY applies to plain HTTP",
    files: {
      config: config(
        {},
        { server: "http://api.test:{http}", "certificate-authority-data": undefined },
      ),
    },
    env: { HTTP_PROXY: HTTP },
    expect: { secure: false, host: "api.test", proxy: "http api.test:{http}" },
  },
  {
    name: "a proxy that rejects the connection",
    files: { config: config(one, { server: "https://refused.test:{https}", "proxy-url": HTTP }) },
    expect: {
      refused: /refused\.test:\d+: through the proxy 127\.0\.0\.1:\d+: it answered 407/,
    },
  },
  {
    name: "an unreachable proxy",
    files: { config: named({ "proxy-url": "http://127.0.0.1:1" }) },
    expect: { refused: /api\.test:\d+: through the proxy 127\.0\.0\.1:1: .*ECONNREFUSED/ },
  },
  {
    name: "an unreachable SOCKS proxy",
    files: { config: named({ "proxy-url": "socks5://127.0.0.1:1" }) },
    expect: { refused: /api\.test:\d+: through the proxy 127\.0\.0\.1:1: .*ECONNREFUSED/ },
  },
  noProxy("api.test", false),
  noProxy("test", false),
  noProxy(".test", false),
  noProxy("*.test", false),
  noProxy("*", false),
  noProxy("other.test, API.TEST", false),
  noProxy("api.test:{https}", false),
  noProxy("api.test:1", true),
  noProxy("pi.test", true),
  noProxy(".api.test", true),
  noProxy("api.*", true),
  noProxy("10.0.0.0/8", true),
  {
    name: "no_proxy",
    files: { config: named() },
    env: { HTTPS_PROXY: HTTP, no_proxy: "api.test" },
    expect: UNREACHABLE,
  },
  {
    name: "NO_PROXY overrides no_proxy",
    files: { config: named() },
    env: { HTTPS_PROXY: HTTP, NO_PROXY: "other.test", no_proxy: "api.test" },
    expect: { ...THROUGH, proxy: "http api.test:{https}" },
  },
  noProxyOfAddress("0.0.0.0/24", false),
  noProxyOfAddress("0.0.0.0", false),
  noProxyOfAddress("0.0.0.0:{https}", false),
  noProxyOfAddress("0.0.0.0:1", true),
  noProxyOfAddress("192.0.3.0/24,10.0.0.0/8", true),
  noProxyOfAddress("0.0.0.0/33", true),
  noProxyOfAddress("0.0.0", true),
  noProxyOfAddress(".0", true),
];
