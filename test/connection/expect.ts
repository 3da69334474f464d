import { isDeepStrictEqual } from "node:util";
import type { Arrives, Case, Expected } from "./case.ts";
import type { Client } from "./clients.ts";
import type { Arrival } from "./run.ts";

/** Returns the part of a run that clients must have in common: the requests and their way. */
export function seen({ requests, namespaces, proxies, ran }: Arrival): object {
  if (requests.length === 0) return { refused: ran.status !== 0 };
  // The program also looks for the control plane, in its own namespace.
  const own = namespaces.filter((namespace) => namespace !== "aks-istio-system");
  return { requests, namespaces: own, proxies };
}

/** Returns the value of `seen` that a case expects. */
export function wanted(expected: Expected): object {
  if ("refused" in expected) return { refused: true };
  return {
    requests: [requestOf(expected)],
    namespaces: [expected.namespace ?? "default"],
    proxies: expected.proxy === undefined ? [] : [expected.proxy],
  };
}

/** True if the client reaches the server, or refuses to, as the case says. */
export function arrivesRight(client: Client, one: Case, arrival: Arrival): boolean {
  return isDeepStrictEqual(seen(arrival), wanted(client.expected(one)));
}

/** Returns the faults in a client's messages and in its use of a credential plugin. */
export function complaints(client: Client, one: Case, { ran, plugin }: Arrival): readonly string[] {
  const expected = client.expected(one);
  if ("refused" in expected) {
    return client.hasOurMessages ? wrongRefusal(expected.refused, ran) : crash(ran);
  }
  const { runs, pluginInput, stderr } = expected;
  return [
    ...(isRunCountRight(client, runs, plugin.length)
      ? []
      : [`the plugin ran ${plugin.length} times`]),
    ...(pluginInput === undefined || includes(plugin[0], pluginInput)
      ? []
      : [`the input of the plugin is ${JSON.stringify(plugin[0])}`]),
    ...(stderr === undefined || stderr.test(ran.stderr) ? [] : [`stderr lacks ${stderr}`]),
  ];
}

/** True for the expected number of runs. Each client within one kubectl command runs the plugin. */
function isRunCountRight(
  { hasOurMessages }: Client,
  wantedRuns: number | undefined,
  runs: number,
): boolean {
  if (wantedRuns === undefined || runs === wantedRuns) return true;
  return !hasOurMessages && wantedRuns > 0 && runs > 0;
}

function wrongRefusal(refused: string | RegExp, ran: Arrival["ran"]): readonly string[] {
  const { status, stdout, stderr } = ran;
  const isSaid = typeof refused === "string" ? stderr.includes(refused) : refused.test(stderr);
  return [
    ...(status === 1 || status === 64 ? [] : [`it exits ${status}`]),
    ...(stdout === "" ? [] : ["it writes to stdout"]),
    ...(isSaid ? [] : [`stderr lacks ${refused}`]),
    ...(stderr.includes("this is a bug") ? ["it calls this a bug"] : []),
    // The message has an error and a hint.
    ...(/^error: .+\n.+\n$/m.test(stderr) ? [] : ["stderr is not an error and a hint"]),
  ];
}

/** Returns the fault of another client that hangs or crashes instead of reporting an error. */
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

function requestOf(expected: Arrives): object {
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
