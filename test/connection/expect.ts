import { isDeepStrictEqual } from "node:util";
import type { Arrives, Case, Expected } from "./case.ts";
import type { Client } from "./clients.ts";
import type { Arrival } from "./run.ts";

/** Returns what clients are compared by: who reaches which server, and through which proxy. */
export function seen({ asked, namespaces, proxies, ran }: Arrival): object {
  if (asked.length === 0) return { refused: ran.status !== 0 };
  // We also look for the control plane, in a namespace of its own.
  const own = namespaces.filter((namespace) => namespace !== "aks-istio-system");
  return { asked, namespaces: own, proxies };
}

/** Returns what `seen` must be. */
export function wanted(expected: Expected): object {
  if ("refused" in expected) return { refused: true };
  return {
    asked: [askedAs(expected)],
    namespaces: [expected.namespace ?? "default"],
    proxies: expected.proxy === undefined ? [] : [expected.proxy],
  };
}

/** True if the client reaches the server, or refuses to, as the case says. */
export function arrivesRight(client: Client, one: Case, arrival: Arrival): boolean {
  return isDeepStrictEqual(seen(arrival), wanted(client.expected(one)));
}

/**
 * Returns what is wrong with a client's messages and with its use of a credential plugin; nothing if
 * the user learns what the case says.
 */
export function complaints(client: Client, one: Case, { ran, plugin }: Arrival): readonly string[] {
  const expected = client.expected(one);
  if ("refused" in expected) {
    return client.hasOurTexts ? wrongRefusal(expected.refused, ran) : crash(ran);
  }
  const { runs, told, says } = expected;
  return [
    ...(isRunWell(client, runs, plugin.length) ? [] : [`the plugin ran ${plugin.length} times`]),
    ...(told === undefined || includes(plugin[0], told)
      ? []
      : [`the plugin was told ${JSON.stringify(plugin[0])}`]),
    ...(says === undefined || says.test(ran.stderr) ? [] : [`stderr lacks ${says}`]),
  ];
}

/** One kubectl command is several clients, and each of them runs the plugin. */
function isRunWell({ hasOurTexts }: Client, wantedRuns: number | undefined, runs: number): boolean {
  if (wantedRuns === undefined || runs === wantedRuns) return true;
  return !hasOurTexts && wantedRuns > 0 && runs > 0;
}

function wrongRefusal(refused: string | RegExp, ran: Arrival["ran"]): readonly string[] {
  const { status, stdout, stderr } = ran;
  const isSaid = typeof refused === "string" ? stderr.includes(refused) : refused.test(stderr);
  return [
    ...(status === 1 || status === 64 ? [] : [`it exits ${status}`]),
    ...(stdout === "" ? [] : ["it writes to stdout"]),
    ...(isSaid ? [] : [`stderr lacks ${refused}`]),
    ...(stderr.includes("this is a bug") ? ["it calls this a bug"] : []),
    // One sentence says what is wrong, and one says what to do.
    ...(/^error: .+\n.+\n$/m.test(stderr) ? [] : ["stderr is not an error and a hint"]),
  ];
}

/** Other clients may say what they want, but must not hang or fail on an error of JavaScript. */
function crash({ status, stderr }: Arrival["ran"]): readonly string[] {
  if (status === null) return ["it did not end"];
  return /^(?:Type|Range|Reference|Syntax)Error\b/m.test(stderr) ? [stderr.trim()] : [];
}

/** True if everything in `part` is in `whole` too. */
function includes(whole: unknown, part: unknown): boolean {
  if (typeof part !== "object" || part === null) return Object.is(whole, part);
  if (typeof whole !== "object" || whole === null) return false;
  return Object.entries(part).every(([key, value]) =>
    includes((whole as Record<string, unknown>)[key], value),
  );
}

function askedAs(expected: Arrives): object {
  return {
    secure: expected.secure ?? true,
    host: expected.host ?? "127.0.0.1",
    prefix: expected.prefix ?? "",
    sni: expected.sni ?? "",
    ...(expected.authorization !== undefined && { authorization: expected.authorization }),
    ...(expected.certificate !== undefined && { certificate: expected.certificate }),
    impersonation: expected.impersonation ?? {},
  };
}
