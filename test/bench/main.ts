/**
 * Compares istio-upgrade, kubectl, the documented pipeline and the bare transfer of the same lists:
 *
 *   npm run bench -- [--sizes 10000,20000,50000,200000] [--runs 5] [--json]
 *
 * `--sizes=` measures only the start, a small cluster, a fleet and a replacement in place; `--fleet 0`
 * leaves out the fleet.
 *
 * Up to 10,000 pods are loaded into a real API server. Beyond that, a server generates the lists.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { bundleProgram } from "../../packaging/bundle.ts";
import { BUILDER } from "../../packaging/platforms.ts";
import { openProgramBuilder } from "../../packaging/program.ts";
import { connectApi } from "../testbed/api.ts";
import { buildPrograms } from "../testbed/build.ts";
import { writeKubeconfig } from "../testbed/kubeconfig.ts";
import type { Programs } from "../testbed/programs.ts";
import { countDryRuns, type DryRunCount } from "./dry-runs.ts";
import { startFleet } from "./fleet.ts";
import { type Counts, type Front, type Generate, startFront } from "./front.ts";
import { generator } from "./generate.ts";
import { measureProxyGaps, proxyGapLines } from "./in-place.ts";
import { startInjector } from "./injector.ts";
import { load, loadControlPlane, loadWebhooks, namespaceName, unloadWebhooks } from "./load.ts";
import { type Command, median, type Run, runOnce } from "./measure.ts";
import { measurePace, PACE_TITLE, type Pace } from "./pace.ts";
import type { PlainBed } from "./plain-bed.ts";
import { ISTIO_NAMESPACE, takeShapes } from "./shapes.ts";

const BIN = fileURLToPath(new URL("../../bin/istio-upgrade.js", import.meta.url));
const DROP = fileURLToPath(new URL("fetch-and-drop.mjs", import.meta.url));
const REAL_UP_TO = 10_000;
/** The size of each cluster of a fleet. */
const FLEET_PODS = 10_000;

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "10000,20000,50000,200000" },
    runs: { type: "string", default: "5" },
    fleet: { type: "string", default: "20" },
    json: { type: "boolean", default: false },
  },
});
const sizes = values.sizes.split(",").filter(Boolean).map(Number);
const runs = Number(values.runs);
/** The number of runs that take a fraction of a second, because other processes disturb those most. */
const MANY = Math.max(runs, 15);

interface Row extends Run {
  readonly command: string;
  readonly runs: number;
  readonly counts: Counts | undefined;
}

interface Scene {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A cluster to measure, reached directly or through a proxy that counts. */
interface Stage {
  readonly kubeconfig: string;
  readonly counting: { readonly front: Front; readonly kubeconfig: string };
}

say(`The control plane makes the objects to multiply ...`);
const programs = await buildPrograms();
const shapes = await takeShapes();
const { bed, bedProcess } = await startPlainBed(programs);
const api = connectApi(bed.server, bed.ca, bed.token, "bench");
const scenes: Scene[] = [];
const dryRuns = await countDryRuns(REAL_UP_TO);
say(dryRuns.map(dryRunLine).join("\n"));
const paces: Pace[] = [];
for (let time = 0; time < runs; time += 1) paces.push(await measurePace());
say(paceLine(paces));
const proxyGaps = await measureProxyGaps();
say(proxyGapLines(proxyGaps));

const built = await buildOneFileProgram();
scenes.push(await play("start", [node(), us("--version"), us("--help")], undefined, MANY));

await loadControlPlane(api, shapes);
const injector = await startInjector(api, bed.folder);
const small = await load(api, shapes, { namespaces: 1, deployments: 5 }, () => undefined);
await loadWebhooks(api, shapes, injector.caBundle);
const direct = await stageOf(() => undefined);
scenes.push(
  await play(
    `${small} pods, real API server`,
    [kubectlPods(), us("check"), ...(built === undefined ? [] : [oneFile(built)]), drop()],
    direct,
    MANY,
  ),
);

const fleetSize = Number(values.fleet);
if (fleetSize > 0) {
  const fleet = await startFleet(bed, fleetSize, FLEET_PODS);
  const env = { KUBECONFIG: fleet.kubeconfig };
  const commands = [["--context", "cluster-0"], ["--all-contexts"]].flatMap((args) => [
    { ...us("check", ...args), env },
    { ...us("check", ...args, "--json"), env },
  ]);
  scenes.push(
    await play(`${fleetSize} clusters of ${FLEET_PODS} pods, generated`, commands, undefined),
  );
  fleet.stop();
}

let real = small;
for (const size of sizes.filter((pods) => pods <= REAL_UP_TO)) {
  await unloadWebhooks(api, shapes);
  const namespaces = Math.ceil((size - real) / 100);
  const first = Math.ceil(real / 100);
  const from = real;
  const loaded = await load(
    api,
    shapes,
    { namespaces, deployments: 25 },
    (pods) => {
      if (pods % 1000 === 0) say(`${from + pods} pods are loaded`);
    },
    first,
  );
  real += loaded;
  await loadWebhooks(api, shapes, injector.caBundle);
  const commands = [
    us("check"),
    us("verify", "--namespace", namespaceName(first)),
    kubectlPods(),
    drop(),
    pipeline(),
    node(),
  ];
  scenes.push(await play(`${real} pods, real API server`, commands, direct));
}
direct.counting.front.stop();

for (const size of sizes.filter((pods) => pods > REAL_UP_TO)) {
  const generated = await stageOf(await generator(bed, size));
  const { front, kubeconfig } = generated.counting;
  const stage = { ...generated, kubeconfig };
  scenes.push(await play(`${size} pods, generated`, [us("check"), drop(front)], stage));
  front.stop();
}

injector.stop();
api.close();
const machine = {
  cpus: cpus().length,
  model: cpus()[0]?.model,
  memory: totalmem(),
  node: process.version,
};
process.stdout.write(
  values.json
    ? `${JSON.stringify({ machine, scenes, dryRuns, paces, proxyGaps }, null, 2)}\n`
    : [
        ...scenes.map(tableOf),
        ...dryRuns.map(dryRunLine),
        paceLine(paces),
        proxyGapLines(proxyGaps),
        "",
      ].join("\n"),
);
// The bed ends when its channel closes.
bedProcess.disconnect();

/** Runs every command once for its counts, then all of them in turn, several times. */
async function play(
  title: string,
  commands: readonly Command[],
  stage: Stage | undefined,
  times = runs,
): Promise<Scene> {
  say(`${title}: ${commands.length} commands, ${times} times`);
  const counts = new Map<string, Counts>();
  if (stage !== undefined) {
    const { front, kubeconfig } = stage.counting;
    for (const command of commands) {
      front.take();
      await runOnce(onCluster(command, kubeconfig, front));
      counts.set(command.name, front.take());
    }
  }
  const all = new Map<string, Run[]>(commands.map(({ name }) => [name, []]));
  for (let time = 0; time < times; time += 1) {
    for (const command of commands) {
      const run = await runOnce(stage ? onCluster(command, stage.kubeconfig) : command);
      all.get(command.name)?.push(run);
    }
  }
  const rows = [...all].map(([command, done]) => ({
    command,
    runs: done.length,
    seconds: median(done.map(({ seconds }) => seconds)),
    cpu: median(done.map(({ cpu }) => cpu)),
    memory: median(done.map(({ memory }) => memory)),
    counts: counts.get(command),
  }));
  const scene = { title, rows };
  say(tableOf(scene));
  return scene;
}

/** Returns the command with the cluster in its environment. */
function onCluster(command: Command, kubeconfig: string, front?: Front): Command {
  const ca = join(bed.folder, front ? "front.crt" : "ca.crt");
  writeFileSync(ca, front ? front.ca : bed.ca);
  const env = {
    KUBECONFIG: kubeconfig,
    SERVER: front?.url ?? bed.server,
    TOKEN: bed.token,
    CA: ca,
  };
  return { ...command, env: { ...env, ...command.env } };
}

async function stageOf(generated: Generate): Promise<Stage> {
  const front = await startFront(bed, generated);
  const kubeconfig = join(bed.folder, `front-${randomBytes(4).toString("hex")}.kubeconfig`);
  await writeKubeconfig(kubeconfig, front.url, front.ca, bed.token);
  return { kubeconfig: bed.kubeconfig, counting: { front, kubeconfig } };
}

function node(): Command {
  return { name: "node -e 0", argv: [process.execPath, "-e", "0"] };
}

function us(...args: string[]): Command {
  const argv = [process.execPath, BIN, ...args];
  // 2: workloads are outdated. 4: pods are not ready, which does not matter here.
  return { name: `istio-upgrade ${args.join(" ")}`, argv, fine: [2, 4] };
}

/** Builds the one-file program; `undefined` if this machine cannot build it. */
async function buildOneFileProgram(): Promise<string | undefined> {
  if (`${process.platform}-${process.arch}` !== BUILDER.name) return undefined;
  const folder = join(bed.folder, "program");
  mkdirSync(folder);
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const builder = await openProgramBuilder(await bundleProgram(root), folder);
  await builder.buildProgram(BUILDER, join(folder, "istio-upgrade"));
  return join(folder, "istio-upgrade");
}

function oneFile(program: string): Command {
  return { ...us("check"), name: "one-file program check", argv: [program, "check"] };
}

function kubectlPods(): Command {
  return { name: "kubectl get pods -A", argv: [programs.kubectl, "get", "pods", "-A"] };
}

/** Returns the pipeline that Azure documents, for all namespaces. */
function pipeline(): Command {
  const path =
    '{range .items[*]}{"\\n"}{.metadata.name}{":\\t"}{range .spec.containers[*]}{.image}{", "}{end}{end}';
  const script = `"$1" get pods -A -o=jsonpath="$2" | sort | grep proxyv2`;
  return { name: "documented pipeline", argv: ["sh", "-c", script, "sh", programs.kubectl, path] };
}

/** Returns a command that requests exactly the lists of a check. */
function drop(front?: Front): Command {
  const istio = `namespaces/${ISTIO_NAMESPACE}`;
  const lists = [
    "/api/v1/pods",
    "meta:/apis/apps/v1/replicasets",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/api/v1/namespaces",
    "json:/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    `json:/api/v1/${istio}/configmaps`,
    `json:/api/v1/${istio}/services`,
    `json:/apis/discovery.k8s.io/v1/${istio}/endpointslices`,
    `json:/apis/apps/v1/${istio}/deployments`,
  ];
  const argv = [process.execPath, DROP, ...lists];
  const env = front && { SERVER: front.url, CA: join(bed.folder, "front.crt") };
  return { name: "fetch and drop", argv, ...(env && { env }) };
}

function startPlainBed({ etcd, "kube-apiserver": server }: Programs): Promise<{
  readonly bed: PlainBed;
  readonly bedProcess: ChildProcess;
}> {
  const folder = join(tmpdir(), `istio-upgrade-bench-${randomBytes(4).toString("hex")}`);
  const program = fileURLToPath(new URL("plain-bed.ts", import.meta.url));
  const paths = JSON.stringify({ etcd, "kube-apiserver": server });
  const child = fork(program, [folder, paths], {
    cwd: "/",
    detached: true,
    execArgv: ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    child.once("message", (message) => {
      resolve({ bed: message as PlainBed, bedProcess: child });
    });
    child.once("exit", (code) => reject(new Error(`the bed ended with ${code}`)));
  });
}

function tableOf({ title, rows }: Scene): string {
  const [first] = rows;
  const lines = rows.map(({ command, seconds, cpu, memory, counts }) =>
    [
      command.padEnd(40),
      `${seconds.toFixed(2)} s`.padStart(9),
      ((first?.seconds ?? 0) / seconds).toFixed(2).padStart(7),
      `${cpu.toFixed(2)} s`.padStart(9),
      `${memory.toFixed(0)} MB`.padStart(8),
      counts ? String(counts.requests).padStart(9) : "",
      counts ? `${(counts.bytes / 1e6).toFixed(2)} MB`.padStart(10) : "",
    ].join(" "),
  );
  const head = `${"".padEnd(40)} ${"time".padStart(9)} ${"ratio".padStart(7)} ${"CPU".padStart(9)} ${"memory".padStart(8)} ${"requests".padStart(9)} ${"bytes".padStart(10)}`;
  return [title, head, ...lines, ""].join("\n");
}

function dryRunLine({ title, pods, namespaces, dryRuns: requested }: DryRunCount): string {
  return `check of ${pods} ${title} pods in ${namespaces} namespaces: dry runs ${requested}`;
}

/** Returns the medians of all runs. */
function paceLine(all: readonly Pace[]): string {
  const ratio = median(all.map(({ seconds, ideal }) => seconds / ideal));
  const requests = median(all.map((pace) => pace.requests));
  return `${PACE_TITLE}: ${ratio.toFixed(2)} times the ideal, ${requests} requests`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
