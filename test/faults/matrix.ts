import { setTimeout as sleep } from "node:timers/promises";
import { type InProcessResult, runInProcess } from "../support/run-in-process.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { CHANGES, type Command, expectedOf } from "./expected.ts";
import { CLOCKS, type Fault, FAULTS, type Times } from "./faults.ts";
import type { Proxy } from "./proxy.ts";
import { ABSENT, openScenario, OTHER, REVISION, type Scenario } from "./scenario.ts";

/** One run of one command with one fault. */
export interface Cell {
  readonly command: Command;
  /** The index in `VARIANTS`. */
  readonly variant: number;
  readonly key: string;
  readonly fault: Fault;
  readonly times: Times;
}

export interface Matrix {
  /** The cells, in the same order on every cluster of a kind. */
  readonly cells: readonly Cell[];
  /** Runs a cell. Returns the problem, or `undefined` if it passed. */
  run(cell: Cell): Promise<string | undefined>;
  close(): Promise<void>;
}

interface Variant {
  readonly command: Command;
  readonly args: (scenario: Scenario) => Promise<readonly string[]> | readonly string[];
  /** By default, that of the command in `SLEEP_DIVISOR`. */
  readonly sleepDivisor?: number;
}

const VARIANTS: readonly Variant[] = [
  { command: "check", args: () => ["check", "--revision", REVISION, "--prove", "always"] },
  { command: "check", args: ({ namespace }) => ["check", "-n", namespace] },
  {
    command: "check",
    args: ({ namespace, moved }) => ["check", ...byName(namespace, moved)],
  },
  { command: "verify", args: ({ namespace }) => ["verify", "-n", namespace] },
  { command: "explain", args: ({ namespace }) => ["explain", "deploy/web", "-n", namespace] },
  {
    command: "explain",
    args: async ({ namespace, podName }) => ["explain", `pod/${await podName()}`, "-n", namespace],
  },
  { command: "revisions", args: () => ["revisions", REVISION] },
  { command: "status", args: () => ["status", "--to", REVISION] },
  { command: "status", args: () => ["status", "--to", ABSENT] },
  {
    command: "restart",
    args: ({ namespace }) => restartOf(namespace),
  },
  {
    command: "restart",
    args: ({ namespace, lease }) => [
      ...restartOf(namespace),
      "--events",
      "--lease",
      `${namespace}/${lease}`,
    ],
    // A renewal has twenty seconds of the program's clock.
    sleepDivisor: 5,
  },
  {
    command: "move",
    args: ({ moved }) => [
      "move",
      ...byName(moved),
      "--to",
      OTHER,
      "--yes",
      "--context",
      "test",
      "--timeout",
      "2m",
    ],
  },
];

/** Selects namespaces by a label that the API server sets. */
function byName(...names: readonly string[]): readonly string[] {
  return ["--namespace-selector", `kubernetes.io/metadata.name in (${names.join(",")})`];
}

function restartOf(namespace: string): readonly string[] {
  return ["restart", "-n", namespace, "--include", "current", "--yes", "--timeout", "2m"];
}

/** The exit code of `status` while an upgrade is in progress. */
const NEEDS_PERSON = 5;

/** The factors by which sleeps are shortened: minutes of waiting take about a second. */
const SLEEP_DIVISOR = { reading: 100, restarting: 30 };
/**
 * The longest duration of a run in real milliseconds; faults with thousands of pages take longer.
 */
const MAX_DURATION = { usual: 120_000, pages: 300_000 };

/**
 * Creates the scenario on a cluster and determines all cells by running every variant once without
 * a fault.
 */
export async function openMatrix(cluster: TestCluster): Promise<Matrix> {
  const scenario = await openScenario(cluster);
  const { proxy } = scenario;

  const start = async ({ command, args, sleepDivisor }: Variant, ahead = 0) =>
    runInProcess(
      [...(await args(scenario)), "--json", "--request-timeout", "700ms"],
      { KUBECONFIG: scenario.kubeconfig },
      {
        sleepDivisor:
          sleepDivisor ?? SLEEP_DIVISOR[CHANGES.has(command) ? "restarting" : "reading"],
        ahead,
      },
    );

  const usual = new Map<number, Usual>();
  const cells: Cell[] = [];
  for (const [variant, { command, ...rest }] of VARIANTS.entries()) {
    await proxy.arm(undefined);
    const ran = await start({ command, ...rest });
    if (ran.status !== (command === "status" ? NEEDS_PERSON : 0)) {
      throw new Error(`${command} without a fault: ${ran.stderr}`);
    }
    usual.set(variant, { status: ran.status, report: comparablePart(ran) });
    await scenario.takeLabel();
    await scenario.removeLease();
    await scenario.settled();
    const known = new Set(cells.filter((cell) => cell.command === command).map(({ key }) => key));
    const added = proxy
      .keys()
      .filter((key) => !known.has(key) && !isOfOthers(key))
      .sort();
    const cell = { command, variant };
    cells.push(
      ...added.flatMap((key) =>
        FAULTS.filter((fault) => appliesTo(fault, key)).flatMap((fault) =>
          TIMES.filter((times) => fault.onlyTimes === undefined || fault.onlyTimes === times).map(
            (times) => ({ ...cell, key, fault, times }),
          ),
        ),
      ),
      ...CLOCKS.map((fault) => ({
        ...cell,
        key: "all requests",
        fault,
        times: "always" as const,
      })),
    );
  }

  return {
    cells,
    async run(cell) {
      const { command, variant, fault } = cell;
      const how = VARIANTS[variant];
      if (how === undefined) throw new Error(`no variant ${variant}`);
      const before = await scenario.generations();
      await proxy.arm(cell);
      const began = Date.now();
      const ran = await start(how, fault.clockAheadMs);
      const took = Date.now() - began;
      const wasApplied = proxy.timesApplied() > 0 || fault.clockAheadMs !== undefined;
      const wrong = [
        ...problemsOf(ran, cell, usual.get(variant)),
        ...(wasApplied ? [] : ["the fault was never applied"]),
        ...(took > (fault.onlyKeys ? MAX_DURATION.pages : MAX_DURATION.usual)
          ? [`the run took ${took} ms`]
          : []),
        ...ran.left.map((what) => `${what} remain`),
        ...(await openConnections(proxy)),
      ];
      await proxy.arm(undefined);
      const after = await scenario.generations();
      const restarts = Math.max(...after.map((count, index) => count - (before[index] ?? 0)));
      if (restarts > (command === "restart" ? 1 : 0))
        wrong.push(`${restarts} restarts of one workload`);
      wrong.push(...labelProblems(ran, cell, await scenario.takeLabel()));
      if (command === "restart") {
        await scenario.removeLease();
        await scenario.settled();
      }
      return wrong.length === 0 ? undefined : `${wrong.join("; ")}\n    ${summaryOf(ran)}`;
    },
    close: () => scenario.close(),
  };
}

/** True for a request about a namespace that another test has left. */
function isOfOthers(key: string): boolean {
  const [, name] = /\/namespaces\/([^/ ]+)/.exec(key) ?? [];
  return name !== undefined && !/^(?:faults(?:-moved)?|aks-istio-system)$/.test(name);
}

function appliesTo({ midList, onlyKeys }: Fault, key: string): boolean {
  return (!midList || key.endsWith("(next page)")) && onlyKeys?.test(key) !== false;
}

const TIMES: readonly Times[] = ["once", "always"];

/** A run without a fault. */
interface Usual {
  readonly status: number;
  readonly report: string;
}

function problemsOf(ran: InProcessResult, cell: Cell, usual: Usual | undefined): readonly string[] {
  const { status: expected, gap, report: comparison } = expectedOf(cell);
  const status = expected.map((code) => (code === 0 ? (usual?.status ?? 0) : code));
  if (ran.status === null || !status.includes(ran.status)) {
    return [`exit ${ran.status} instead of ${status.join(" or ")}`];
  }
  if (ran.stderr.includes("this is a bug")) return ["the error is reported as a bug"];
  if (ran.status === 1 || ran.status === 64)
    return /^error: .+\n.+/m.test(ran.stderr) ? [] : ["the error gives no reason"];
  const report = JSON.parse(ran.stdout);
  if (ran.status === usual?.status && expected.includes(0)) {
    const isUsual = comparablePart(ran) === usual.report;
    if (comparison === "other" && isUsual) return ["the report does not name what was not read"];
    return isUsual || comparison !== undefined ? [] : [`exit ${ran.status} with another report`];
  }
  if (ran.status !== 6) return [];
  const gaps: readonly { what: string; reason: string; message: string; hint: string }[] =
    report.gaps;
  if (report.complete !== false || gaps.length === 0) return ["exit 6 without a gap"];
  if (gaps.some(({ message, hint }) => !message || !hint))
    return ["a gap without a message or hint"];
  return gap === undefined || gaps.some(({ reason }) => reason === gap)
    ? []
    : [`gaps ${gaps.map(({ reason }) => reason).join()} instead of ${gap}`];
}

/** Compares the label of the namespace that is moved with what the report says about it. */
function labelProblems(
  { status, stdout }: InProcessResult,
  { command }: Cell,
  label: string,
): readonly string[] {
  if (command !== "move") return label === REVISION ? [] : [`${command} set a label`];
  if (status === 1 || status === 6 || status === 64) {
    return label === REVISION ? [] : [`exit ${status}, but the label is set`];
  }
  const [namespace] = JSON.parse(stdout).namespaces;
  const isReported =
    namespace.outcome === "labelled" ? label === OTHER : label === REVISION || mayBeSet(namespace);
  return isReported ? [] : [`the label is ${label}, and the report says ${namespace.outcome}`];
}

function mayBeSet({ message }: { readonly message: string }): boolean {
  return message.includes("may or may not have its label");
}

/** Returns the part of a report that must be the same in two correct runs. */
function comparablePart({ stdout }: InProcessResult): string {
  const { gaps, complete, workloads, workload, revisions, exitReasons, results, ...rest } =
    JSON.parse(stdout);
  const judged = [...(workloads ?? []), ...(workload ? [workload] : [])].map(
    ({ namespace, kind, name, verdict, running, target }) => ({
      entry: [namespace, kind, name, verdict, target?.image],
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
  const { phase, steps, namespaces, nextStep } = rest;
  const moved = namespaces?.map((one: object) => ({ ...one, labelledAt: undefined }));
  const upgrade = rest.kind === "StatusReport" ? { phase, steps, nextStep } : undefined;
  return JSON.stringify({ gaps, complete, judged, held, exitReasons, done, moved, upgrade });
}

async function openConnections(proxy: Proxy): Promise<readonly string[]> {
  for (let tries = 0; proxy.connections() > 0 && tries < 100; tries++) await sleep(10);
  return proxy.connections() > 0 ? [`${proxy.connections()} connections remain open`] : [];
}

function summaryOf({ status, stdout, stderr }: InProcessResult): string {
  const lines = stderr.trim().split("\n").slice(-3).join(" | ");
  return `exit ${status}: ${lines} ${status === 0 ? stdout.replace(/\s+/g, " ").slice(0, 600) : ""}`;
}
