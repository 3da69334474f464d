import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import type { RunResult } from "../support/run-program.ts";
import type { Case, File, Groups } from "./case.ts";
import type { Client } from "./clients.ts";
import {
  certificateChain,
  clientKeyPair,
  commonNameKeyPair,
  serverKeyPair,
} from "./certificates.ts";
import { HAS_IPV6, startProxies } from "./proxies.ts";
import { type ReceivedRequest, startRecorder } from "./recorder.ts";

/** The requests of one run that reached the API server, and the end of the run. */
export interface Arrival {
  /** The distinct requests, without their namespaces and statuses. */
  readonly requests: readonly Omit<ReceivedRequest, "namespace" | "status">[];
  readonly namespaces: readonly string[];
  readonly proxies: readonly string[];
  /** The input of each run of the credential plugin. */
  readonly plugin: readonly PluginRun[];
  readonly ran: RunResult;
}

export interface PluginRun {
  /** `KUBERNETES_EXEC_INFO` */
  readonly info: unknown;
  readonly args: string;
  /** The variable `EXTRA`. */
  readonly extra: string;
  /** The text that the plugin read from stdin. */
  readonly stdin: string;
}

/**
 * Writes its input to `plugin.log`, and prints `credential-1.json` in its first run, or else
 * `credential.json`. A client that never closes stdin delays it for the seconds of `PATIENCE`.
 */
const PLUGIN = `#!/bin/sh
here=$(dirname "$0")
runs=$(($(cat "$here/runs" 2>/dev/null || echo 0) + 1))
echo $runs > "$here/runs"
printf '%s\\t%s\\t%s\\t%s\\f' "$KUBERNETES_EXEC_INFO" "$*" "$EXTRA" "$(timeout "\${PATIENCE:-1}" cat)" | tr -d '\\r' >> "$here/plugin.log"
echo "To sign in, enter the code ABC" >&2
if [ -f "$here/credential-$runs.json" ]; then cat "$here/credential-$runs.json"; else cat "$here/credential.json"; fi
exit \${STATUS:-0}
`;

/** The servers that clients are run against. A bench runs one client at a time. */
export interface Bench {
  run(this: void, client: Client, one: Case): Promise<Arrival>;
  stop(): Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const [server, stranger, commonName, chain, strangers, alice, bob] = await Promise.all([
    serverKeyPair(),
    serverKeyPair(),
    commonNameKeyPair("localhost"),
    certificateChain(),
    certificateChain(),
    clientKeyPair("alice"),
    clientKeyPair("bob"),
  ]);
  const { root, intermediate, leaf } = chain;
  const whole = { ...leaf, certificate: `${leaf.certificate}\n${intermediate.certificate}` };
  const [recorder, proxies] = await Promise.all([
    startRecorder({ https: server, chain: whole, leafOnly: leaf, commonName, h2: server }),
    startProxies(server, whole),
  ]);
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const ports = Object.entries(recorder.ports).map(([name, port]) => [name, String(port)]);
  const placeholders: Readonly<Record<string, string>> = {
    ...(Object.fromEntries(ports) as Record<string, string>),
    httpProxy: String(proxies.httpPort),
    httpsProxy: String(proxies.httpsPort),
    chainProxy: String(proxies.otherHttpsPort),
    socksProxy: String(proxies.socksPort),
    httpProxy6: String(proxies.ipv6Ports.http),
    socksProxy6: String(proxies.ipv6Ports.socks),
    ca: server.certificate,
    caData: base64(server.certificate),
    strangerData: base64(stranger.certificate),
    commonNameData: base64(commonName.certificate),
    rootData: base64(root.certificate),
    intermediateData: base64(intermediate.certificate),
    leafData: base64(leaf.certificate),
    bothData: base64(`${server.certificate}\n${intermediate.certificate}`),
    strangersIntermediateData: base64(strangers.intermediate.certificate),
    alice: alice.certificate,
    aliceKey: alice.key,
    aliceData: base64(alice.certificate),
    aliceKeyData: base64(alice.key),
    bob: bob.certificate,
    bobKey: bob.key,
    bobData: base64(bob.certificate),
    bobKeyData: base64(bob.key),
  };

  async function run({ command, timeout }: Client, one: Case): Promise<Arrival> {
    const dir = mkdtempSync(join(tmpdir(), "connection-"));
    try {
      const fill = filler({ ...placeholders, dir });
      for (const [name, content] of Object.entries(one.files)) writeInto(dir, name, content, fill);
      recorder.accept(one.accept);
      const env = Object.entries({ HOME: "{dir}/home", KUBECONFIG: "{dir}/config", ...one.env });
      const ran = await spawned(inPod(one, dir, [...command, ...(one.args ?? []).map(fill)]), {
        cwd: join(dir, one.cwd ?? "."),
        env: Object.fromEntries(env.map(([name, value]) => [name, fill(value)])),
        timeout,
      });
      const said = { ...ran, stderr: ran.stderr.replaceAll(dir, "{dir}") };
      const received = recorder.take();
      const ways = proxies.take().map((way) => withPortNames(way, placeholders));
      return arrivalOf(received, ways, pluginRuns(dir), said);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  return {
    run,
    stop: async () => {
      await Promise.all([recorder.stop(), proxies.stop()]);
    },
  };
}

/** Returns a function that replaces the placeholders for ports and certificates in a text. */
function filler(placeholders: Readonly<Record<string, string>>): (text: string) => string {
  return (text) => text.replace(/\{(\w+)\}/g, (whole, name: string) => placeholders[name] ?? whole);
}

function writeInto(dir: string, name: string, content: File, fill: (text: string) => string): void {
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  if (content === "plugin") writeFileSync(path, PLUGIN, { mode: 0o755 });
  else if (Array.isArray(content)) writeFileSync(path, Buffer.from(fill(content[0]), "utf16le"));
  else if (typeof content === "string") writeFileSync(path, fill(content));
  else writeFileSync(path, fillAll(content, fill, name.endsWith(".json")));
}

/** Fills each string of an object before it is encoded, because certificates have several lines. */
function fillAll(value: object, fill: (text: string) => string, json: boolean): string {
  const filled: unknown = JSON.parse(JSON.stringify(value), (_, part: unknown) =>
    typeof part === "string" ? fill(part) : part,
  );
  return json ? JSON.stringify(filled) : stringify(filled);
}

/** Returns the cases that this machine can run, and prints why it cannot run the others. */
export function runnableCases(groups: Groups): Groups {
  const lacking = [
    ...(HAS_IPV6 ? [] : [{ what: "ipv6" as const, why: "this machine has no address ::1" }]),
    ...mountNamespaceLack(),
  ];
  for (const { what, why } of lacking) {
    process.stderr.write(`skipped: the cases of test/connection with "${what}": ${why}\n`);
  }
  return Object.fromEntries(
    Object.entries(groups).map(([name, cases]) => [
      name,
      cases.filter((one) => lacking.every(({ what }) => one[what] !== true)),
    ]),
  );
}

/** Returns the reason why the cases in a pod cannot run, if there is one. */
function mountNamespaceLack(): readonly { readonly what: "pod"; readonly why: string }[] {
  try {
    execFileSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/run"], { stdio: "pipe" });
    return [];
  } catch (error) {
    const why = (error as Error).message.split("\n").at(-1) ?? "";
    return [{ what: "pod", why: `this machine makes no mount namespace: ${why}` }];
  }
}

/** Wraps a command so that only this run sees the folder of the service account. */
function inPod({ pod }: Case, dir: string, command: readonly string[]): readonly string[] {
  if (pod !== true) return command;
  const script = `mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io &&
    cp -r "$0/serviceaccount" /run/secrets/kubernetes.io/ && exec "$@"`;
  return ["unshare", "-rm", "sh", "-c", script, dir, ...command];
}

function spawned(
  [program = "", ...args]: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly timeout: number;
  },
): Promise<RunResult> {
  const child = spawn(program, args, {
    ...options,
    env: { PATH: process.env["PATH"], NO_COLOR: "1", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    killSignal: "SIGKILL",
  });
  // stdin is not a terminal, but a plugin that inherits it can read this.
  child.stdin.on("error", () => undefined).end("typed\n");
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

function pluginRuns(dir: string): readonly PluginRun[] {
  let log: string;
  try {
    log = readFileSync(join(dir, "plugin.log"), "utf8");
  } catch {
    return [];
  }
  return log
    .replaceAll(dir, "{dir}")
    .split("\f")
    .slice(0, -1)
    .map((line) => {
      const [info = "", args = "", extra = "", stdin = ""] = line.split("\t");
      return { info: info === "" ? undefined : (JSON.parse(info) as unknown), args, extra, stdin };
    });
}

function arrivalOf(
  received: readonly ReceivedRequest[],
  proxies: readonly string[],
  plugin: readonly PluginRun[],
  ran: RunResult,
): Arrival {
  const came = received.filter(({ status }) => status !== 401);
  const ways = came.map((one) =>
    JSON.stringify({ ...one, namespace: undefined, status: undefined }),
  );
  const namespaces = came.flatMap(({ namespace }) => namespace ?? []);
  return {
    requests: [...new Set(ways)].map((way) => JSON.parse(way) as Arrival["requests"][number]),
    namespaces: [...new Set(namespaces)],
    proxies,
    plugin,
    ran,
  };
}

/** `http api.test:43121` -> `http api.test:{https}` */
function withPortNames(way: string, placeholders: Readonly<Record<string, string>>): string {
  return way.replace(/\d+$/, (port) => {
    const name = Object.keys(placeholders).find((key) => placeholders[key] === port);
    return name === undefined ? port : `{${name}}`;
  });
}
