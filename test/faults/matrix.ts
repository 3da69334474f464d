import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { load as parseYaml } from "js-yaml";
import { deployment, namespace } from "../support/manifests.ts";
import { runInside } from "../support/run-inside.ts";
import type { Ran } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { type Command, COMMANDS, expect } from "./expected.ts";
import { type Fault, FAULTS } from "./faults.ts";
import { type Proxy, startProxy } from "./proxy.ts";

/** One run of one command, with one thing going wrong. */
export interface Cell {
  readonly command: Command;
  readonly key: string;
  readonly fault: Fault;
  readonly times: "once" | "for ever";
}

export interface Matrix {
  readonly cells: readonly Cell[];
  /** What is wrong with the outcome; `undefined` where it is as it should be. */
  run(cell: Cell): Promise<string | undefined>;
  stop(): Promise<void>;
}

const SHOP = "faults";
const REVISION = "asm-1-23";
const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.23.4-1";
/** Its clock runs so much faster than ours: minutes of patience take a second. */
const SPEED = 30;
const ARGS: Readonly<Record<Command, readonly string[]>> = {
  check: ["check", "-n", SHOP],
  verify: ["verify", "-n", SHOP],
  explain: ["explain", "deploy/web", "-n", SHOP],
  revisions: ["revisions"],
  restart: ["restart", "-n", SHOP, "--include", "current", "--yes", "--timeout", "5m"],
};

/** A cluster where all is current, behind a proxy, and every cell of its matrix. */
export async function openMatrix(cluster: TestCluster): Promise<Matrix> {
  await cluster.installRevision({ name: REVISION, image: IMAGE });
  await cluster.request("POST", "/api/v1/namespaces", {
    body: namespace(SHOP, { "istio.io/rev": REVISION }),
  });
  const path = `/apis/apps/v1/namespaces/${SHOP}/deployments`;
  await cluster.request("POST", path, { body: deployment("web", { replicas: 3 }) });
  const config = await kubeconfigOf(cluster);
  const proxy = await startProxy(config.server, config.ca);
  const folder = await mkdtemp(join(tmpdir(), "istio-upgrade-faults-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, config.through(proxy), { mode: 0o600 });

  const start = (command: Command) =>
    runInside(
      [...ARGS[command], "--json", "--request-timeout", "1s"],
      { KUBECONFIG: kubeconfig },
      { speed: SPEED },
    );
  const generation = async () =>
    (await cluster.request("GET", `${path}/web`)).body.metadata.generation as number;
  const settled = async () => {
    for (let tries = 0; tries < 200; tries++) {
      const ran = await runInside([...ARGS.verify, "--json"], { KUBECONFIG: cluster.kubeconfig });
      const { terminating } = JSON.parse(ran.stdout || "{}").workloads?.[0] ?? {};
      if (ran.status === 0 && !terminating) return;
      await sleep(50);
    }
    throw new Error("the workload does not settle");
  };

  await settled();
  const usual = new Map<Command, string>();
  const cells: Cell[] = [];
  for (const command of COMMANDS) {
    proxy.arm(undefined);
    const ran = await start(command);
    if (ran.status !== 0) throw new Error(`${command} without a fault: ${ran.stderr}`);
    usual.set(command, essence(ran));
    await settled();
    cells.push(
      ...proxy
        .keys()
        .flatMap((key) =>
          FAULTS.filter(({ midList }) => !midList || key.endsWith("(next page)")).flatMap((fault) =>
            (["once", "for ever"] as const).map((times) => ({ command, key, fault, times })),
          ),
        ),
    );
  }

  async function run({ command, key, fault, times }: Cell): Promise<string | undefined> {
    const before = await generation();
    proxy.arm({ key, fault, times });
    const began = Date.now();
    const ran = await start(command);
    const took = Date.now() - began;
    const wrong = [
      ...judge(ran, { command, key, fault, times }, usual.get(command) ?? ""),
      ...(proxy.strikes() === 0 ? ["the fault never struck"] : []),
      ...(took > 30_000 ? [`it took ${took} ms`] : []),
      ...(await leftOpen(proxy)),
    ];
    proxy.arm(undefined);
    if (command === "restart") {
      const restarts = (await generation()) - before;
      if (restarts > 1) wrong.push(`it was restarted ${restarts} times`);
      await settled();
    }
    return wrong.length === 0 ? undefined : `${wrong.join("; ")}\n    ${said(ran)}`;
  }

  return {
    cells,
    run,
    async stop() {
      await proxy.stop();
      await cluster.request("DELETE", `/api/v1/namespaces/${SHOP}`);
      await rm(folder, { recursive: true });
    },
  };
}

function judge(ran: Ran, { command, key, fault, times }: Cell, usual: string): readonly string[] {
  const { status, gap, otherRecord } = expect(command, key, fault, times);
  if (ran.status === null || !status.includes(ran.status)) {
    return [`exit ${ran.status} instead of ${status.join(" or ")}`];
  }
  if (ran.stderr.includes("this is a bug")) return ["it calls itself a bug"];
  if (ran.status === 1)
    return ran.stderr.startsWith("error: ") || ran.stderr.includes("\nerror: ")
      ? []
      : ["it does not say why"];
  const report = JSON.parse(ran.stdout);
  if (ran.status === 0 && otherRecord !== true && essence(ran) !== usual)
    return ["exit 0 with another report"];
  if (ran.status === 0 || gap === undefined) return [];
  const reasons = report.gaps.map(({ reason }: { reason: string }) => reason);
  return reasons.includes(gap) ? [] : [`gaps ${reasons.join()} instead of ${gap}`];
}

/** What two runs must have in common to be both right. */
function essence({ stdout }: Ran): string {
  const { gaps, complete, workloads, workload, revisions, exitReasons, results } =
    JSON.parse(stdout);
  const judged = [...(workloads ?? []), ...(workload ? [workload] : [])].map(
    ({ namespace: place, kind, name, verdict, running, target }) => ({
      entry: [place, kind, name, verdict, target?.image],
      pods: running.map((group: { image: string; pods: number }) => [group.image, group.pods]),
    }),
  );
  const held = revisions?.map(({ revision, holders }: { revision: string; holders: unknown }) => [
    revision,
    holders,
  ]);
  const done = results?.map(({ name, outcome }: { name: string; outcome: string }) => [
    name,
    outcome,
  ]);
  return JSON.stringify({ gaps, complete, judged, held, exitReasons, done });
}

async function leftOpen(proxy: Proxy): Promise<readonly string[]> {
  for (let tries = 0; proxy.connections() > 0 && tries < 100; tries++) await sleep(10);
  return proxy.connections() > 0 ? [`${proxy.connections()} connections stay open`] : [];
}

function said({ status, stdout, stderr }: Ran): string {
  const lines = stderr.trim().split("\n").slice(-3).join(" | ");
  return `exit ${status}: ${lines} ${status === 0 ? stdout.replace(/\s+/g, " ").slice(0, 300) : ""}`;
}

async function kubeconfigOf({ kubeconfig }: TestCluster) {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(kubeconfig, "utf8");
  // oxlint-disable-next-line typescript/no-explicit-any -- a kubeconfig that the tests wrote
  const config = parseYaml(text) as any;
  const { cluster } = config.clusters[0];
  return {
    server: cluster.server as string,
    ca: Buffer.from(cluster["certificate-authority-data"], "base64").toString(),
    through: ({ url, certificate }: Pick<Proxy, "url" | "certificate">) => {
      const authority = Buffer.from(certificate).toString("base64");
      const through = { server: url, "certificate-authority-data": authority };
      return JSON.stringify({
        ...config,
        clusters: [{ name: config.clusters[0].name, cluster: through }],
      });
    },
  };
}
