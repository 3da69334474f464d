import { setTimeout as sleep } from "node:timers/promises";
import { type InProcessResult, runInProcess } from "../support/run-in-process.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { type Command, expect } from "./expected.ts";
import { CLOCKS, type Fault, FAULTS, type Times } from "./faults.ts";
import type { Proxy } from "./proxy.ts";
import { openWorld, REVISION, type World } from "./world.ts";

/** One run of one command, with one thing going wrong. */
export interface Cell {
  readonly command: Command;
  /** Of its variants of arguments. */
  readonly variant: number;
  readonly key: string;
  readonly fault: Fault;
  readonly times: Times;
}

export interface Matrix {
  /** In the same order on every cluster of a kind. */
  readonly cells: readonly Cell[];
  /** What is wrong with the outcome; `undefined` where it is as it should be. */
  run(cell: Cell): Promise<string | undefined>;
  close(): Promise<void>;
}

interface Variant {
  readonly command: Command;
  readonly args: (world: World) => Promise<readonly string[]> | readonly string[];
}

const VARIANTS: readonly Variant[] = [
  { command: "check", args: () => ["check", "--revision", REVISION, "--prove", "always"] },
  { command: "check", args: ({ namespace }) => ["check", "-n", namespace] },
  { command: "verify", args: ({ namespace }) => ["verify", "-n", namespace] },
  { command: "explain", args: ({ namespace }) => ["explain", "deploy/web", "-n", namespace] },
  {
    command: "explain",
    args: async ({ namespace, podName }) => ["explain", `pod/${await podName()}`, "-n", namespace],
  },
  { command: "revisions", args: () => ["revisions", REVISION] },
  {
    command: "restart",
    args: ({ namespace }) => [
      "restart",
      "-n",
      namespace,
      "--include",
      "current",
      "--yes",
      "--timeout",
      "2m",
    ],
  },
];

/** Its sleeps take so much less than their time: minutes of patience take a second. */
const SLEEP_DIVISOR = { looking: 100, restarting: 30 };
/** Of our time: no run waits longer, whatever goes wrong; two thousand pages take theirs. */
const LONGEST = { usual: 120_000, pages: 300_000 };

/** A world on a cluster, and every cell of its matrix. */
export async function openMatrix(cluster: TestCluster): Promise<Matrix> {
  const world = await openWorld(cluster);
  const { proxy } = world;

  const start = async ({ command, args }: Variant, ahead = 0) =>
    runInProcess(
      [...(await args(world)), "--json", "--request-timeout", "700ms"],
      { KUBECONFIG: world.kubeconfig },
      {
        sleepDivisor: command === "restart" ? SLEEP_DIVISOR.restarting : SLEEP_DIVISOR.looking,
        ahead,
      },
    );

  const usual = new Map<number, string>();
  const cells: Cell[] = [];
  for (const [variant, { command, ...rest }] of VARIANTS.entries()) {
    await proxy.arm(undefined);
    const ran = await start({ command, ...rest });
    if (ran.status !== 0) throw new Error(`${command} without a fault: ${ran.stderr}`);
    usual.set(variant, essence(ran));
    await world.settled();
    const known = new Set(cells.filter((cell) => cell.command === command).map(({ key }) => key));
    const added = proxy
      .keys()
      .filter((key) => !known.has(key))
      .sort();
    const cell = { command, variant };
    cells.push(
      ...added.flatMap((key) =>
        FAULTS.filter((fault) => isOf(fault, key)).flatMap((fault) =>
          TIMES.filter((times) => fault.only === undefined || fault.only === times).map(
            (times) => ({ ...cell, key, fault, times }),
          ),
        ),
      ),
      ...CLOCKS.map((fault) => ({
        ...cell,
        key: "all requests",
        fault,
        times: "for ever" as const,
      })),
    );
  }

  return {
    cells,
    async run(cell) {
      const { command, variant, fault } = cell;
      const how = VARIANTS[variant];
      if (how === undefined) throw new Error(`no variant ${variant}`);
      const before = await world.generations();
      await proxy.arm(cell);
      const began = Date.now();
      const ran = await start(how, fault.ahead);
      const took = Date.now() - began;
      const isStruck = proxy.strikes() > 0 || fault.ahead !== undefined;
      const wrong = [
        ...judge(ran, cell, usual.get(variant) ?? ""),
        ...(isStruck ? [] : ["the fault never struck"]),
        ...(took > (fault.of ? LONGEST.pages : LONGEST.usual) ? [`it took ${took} ms`] : []),
        ...ran.left.map((what) => `${what} are left`),
        ...(await leftOpen(proxy)),
      ];
      await proxy.arm(undefined);
      const after = await world.generations();
      const restarts = Math.max(...after.map((count, index) => count - (before[index] ?? 0)));
      if (restarts > (command === "restart" ? 1 : 0)) wrong.push(`${restarts} restarts of one`);
      if (command === "restart") await world.settled();
      return wrong.length === 0 ? undefined : `${wrong.join("; ")}\n    ${said(ran)}`;
    },
    close: () => world.close(),
  };
}

function isOf({ midList, of }: Fault, key: string): boolean {
  return (!midList || key.endsWith("(next page)")) && of?.test(key) !== false;
}

const TIMES: readonly Times[] = ["once", "for ever"];

function judge(ran: InProcessResult, cell: Cell, usual: string): readonly string[] {
  const { status, gap } = expect(cell);
  if (ran.status === null || !status.includes(ran.status)) {
    return [`exit ${ran.status} instead of ${status.join(" or ")}`];
  }
  if (ran.stderr.includes("this is a bug")) return ["it calls itself a bug"];
  if (ran.status === 1) return /^error: .+\n.+/m.test(ran.stderr) ? [] : ["it does not say why"];
  const report = JSON.parse(ran.stdout);
  if (ran.status === 0) return essence(ran) === usual ? [] : ["exit 0 with another report"];
  if (ran.status !== 6) return [];
  const gaps: readonly { what: string; reason: string; message: string; hint: string }[] =
    report.gaps;
  if (report.complete !== false || gaps.length === 0) return ["exit 6, and no gap"];
  if (gaps.some(({ message, hint }) => !message || !hint)) return ["a gap that does not say why"];
  return gap === undefined || gaps.some(({ reason }) => reason === gap)
    ? []
    : [`gaps ${gaps.map(({ reason }) => reason).join()} instead of ${gap}`];
}

/** What two runs must have in common to be both right. */
function essence({ stdout }: InProcessResult): string {
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

function said({ status, stdout, stderr }: InProcessResult): string {
  const lines = stderr.trim().split("\n").slice(-3).join(" | ");
  return `exit ${status}: ${lines} ${status === 0 ? stdout.replace(/\s+/g, " ").slice(0, 600) : ""}`;
}
