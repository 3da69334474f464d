import { describe, expect, test } from "vitest";
import { chooseProxy } from "../../../src/connection/proxy.ts";

const CLUSTER = { name: "one", folder: "/" };
const PROXY = "http://proxy.test:3128";

function isProxied(server: string, noProxy: string): boolean {
  const env = { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: noProxy };
  return chooseProxy(new URL(server), CLUSTER, env) !== undefined;
}

// `test/connection/cases/proxies.ts` compares the other cases with kubectl. These need a network.
describe("NO_PROXY", () => {
  test.each([
    ["https://api.test", "", true],
    ["https://api.test", " , ,", true],
    ["https://api.test", "other.test,api.test", false],
    ["https://API.test", "api.TEST", false],
    ["https://a.b.test", "b.test", false],
    ["https://b.test", ".b.test", true],
    ["https://api.test", "api.test:443", false],
    ["https://api.test:6443", "api.test:443", true],
    ["http://api.test", "api.test:80", false],
    ["https://10.1.2.3:6443", "10.0.0.0/8", false],
    ["https://10.1.2.3:6443", "10.1.2.3:6443", false],
    ["https://11.1.2.3", "10.0.0.0/8", true],
    ["https://10.1.2.3", "0.0.0.0/0", false],
    ["https://[fd00::1]", "fd00::/8", false],
    ["https://[fd00::1]", "fd00::1", false],
    ["https://[fd00::1]:6443", "[fd00::1]:6443", false],
    ["https://[fd00::1]:6443", "[fd00::1]:443", true],
    ["https://[fe00::1]", "fd00::/8", true],
    ["https://10.1.2.3", "fd00::/8", true],
    ["https://api.test", "10.0.0.0/8", true],
    ["https://api.test", ":443", true],
    ["https://localhost:6443", "", false],
    ["https://127.8.0.1", "", false],
    ["https://[::1]", "", false],
  ])("applies to %s, if it is %j: through the proxy is %s", (server, noProxy, proxied) => {
    expect(isProxied(server, noProxy)).toBe(proxied);
  });
});

test("the user of a proxy is kept", () => {
  const proxy = chooseProxy(new URL("https://api.test"), CLUSTER, {
    https_proxy: "me:secret@proxy.test:1",
  });
  expect(proxy?.href).toBe("http://me:secret@proxy.test:1/");
});

test.each(["socks5://us%er@proxy.test:1", "http://user:p%ss@proxy.test:1"])(
  "a proxy with an invalid percent-encoding is rejected: %s",
  (address) => {
    const cluster = { ...CLUSTER, "proxy-url": address };
    expect(() => chooseProxy(new URL("https://api.test"), cluster, {})).toThrow(
      'the proxy-url of the cluster "one" is not an http, https or socks5 address',
    );
  },
);
