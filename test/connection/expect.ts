import { expect } from "vitest";
import type { Arrives, Expected } from "./case.ts";
import type { Arrival } from "./run.ts";

/** What two clients are compared by: who arrives where, and which way; or that nobody does. */
export function seen({ asked, namespaces, proxies, ran }: Arrival): object {
  if (asked.length === 0) return { refused: ran.status !== 0 };
  // Without the one in which we look for the control plane.
  const own = namespaces.filter((namespace) => namespace !== "aks-istio-system");
  return { asked, namespaces: own, proxies };
}

/** What `seen` is to be. */
export function wanted(expected: Expected): object {
  if ("refused" in expected) return { refused: true };
  return {
    asked: [askedAs(expected)],
    namespaces: [expected.namespace ?? "default"],
    proxies: expected.proxy === undefined ? [] : [expect.stringMatching(patternOf(expected.proxy))],
  };
}

/** What ours says, and how often it runs a plugin, beside what arrives. */
export function expectManners({ ran, plugin }: Arrival, expected: Expected): void {
  if (!("refused" in expected)) {
    if (expected.runs !== undefined) expect(plugin).toHaveLength(expected.runs);
    if (expected.told !== undefined) expect(plugin[0]).toMatchObject(expected.told);
    if (expected.says !== undefined) expect(ran.stderr).toMatch(expected.says);
    return;
  }
  const { refused } = expected;
  expect([1, 64]).toContain(ran.status);
  expect(ran.stdout).toBe("");
  expect(ran.stderr).not.toContain("this is a bug");
  if (typeof refused === "string") expect(ran.stderr).toContain(refused);
  else expect(ran.stderr).toMatch(refused);
  // One sentence, and one that leads out.
  expect(ran.stderr).toMatch(/^error: .+\n.+\n$/m);
}

function askedAs(expected: Arrives): object {
  return {
    secure: expected.secure ?? true,
    host: expected.host ?? "127.0.0.1",
    prefix: expected.prefix ?? "",
    sni: expected.sni ?? "",
    authorization: expected.authorization,
    certificate: expected.certificate,
    impersonation: expected.impersonation ?? {},
  };
}

function patternOf(proxy: string): RegExp {
  const text = proxy.replace(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${text.replace(/\{\w+\}/, String.raw`\d+`)}$`);
}
