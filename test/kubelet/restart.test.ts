import pLimit from "p-limit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSandbox, run, type Sandbox, untilReady } from "../contract/sandbox.ts";
import { daemonSet, deployment, type Manifest, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { connectRealCluster } from "../testbed/real-cluster.ts";
import {
  answers,
  type Behaviour,
  DEFAULTS,
  exits,
  type Role,
  runs,
  sidecar,
} from "./behaviours.ts";
import {
  APP_PROBE,
  behave,
  clusterAddress,
  failPulls,
  installRevisions,
  onRealNode,
  untilUsable,
} from "./node-test.ts";
import { type Mode, MODES, REVISIONS, UPGRADES } from "./revisions.ts";
import type { PullFault } from "./stand-in.ts";

const MAKERS = { deployments: deployment, statefulsets: statefulSet, daemonsets: daemonSet };
type Resource = keyof typeof MAKERS;

interface Case {
  readonly name: string;
  readonly mode: Mode;
  readonly resource?: Resource;
  /** The behaviour of the new pods; that of the old ones is the default. */
  readonly behaviours?: Partial<Record<Role, Behaviour>>;
  readonly app?: Manifest;
  readonly podSpec?: Manifest;
  readonly pullFault?: PullFault;
  readonly timeout?: string;
  readonly exit: number;
  readonly result: {
    readonly outcome: string;
    readonly code: string;
    readonly message: RegExp;
  };
}

const RESTARTED = { outcome: "restarted", code: "rolled-out", message: /^rolled out$/ };
const crashes = (container: string, code: number) => ({
  outcome: "failed",
  code: "pod-failed",
  message: new RegExp(
    `\\b${container}\\b.*exit code ${code}\\b.*(1 old pod still serves|no old pod is serving)$`,
  ),
});
const BAD = `sleep 1; ${exits(7)}`;

const CASES: readonly Case[] = [
  // The kubelet keeps a failed init container in the state `terminated` between its tries.
  ...MODES.map((mode): Case => ({
    name: `init-exits-${mode}`,
    mode,
    resource: mode === "native" ? "statefulsets" : "deployments",
    behaviours: { "istio-init": [exits(1)] },
    exit: 3,
    result: {
      ...crashes("istio-init", 1),
      message: /\bistio-init\b.*exit code 1\b.*\d old pods? still serves?$/,
    },
  })),
  ...MODES.map((mode): Case => ({
    name: `proxy-exits-${mode}`,
    mode,
    behaviours: { "istio-proxy": [BAD] },
    exit: 3,
    result: crashes("istio-proxy", 7),
  })),
  ...MODES.map((mode): Case => ({
    name: `app-exits-${mode}`,
    mode,
    behaviours: { app: [BAD] },
    exit: 3,
    result: crashes("app", 7),
  })),
  {
    name: "app-never-starts",
    mode: "native",
    behaviours: { app: [runs()] },
    app: { startupProbe: { ...APP_PROBE, failureThreshold: 3 } },
    exit: 3,
    result: { outcome: "failed", code: "pod-failed", message: /\bapp\b.*1 old pod still serves$/ },
  },
  {
    name: "gone",
    mode: "native",
    app: { image: "registry.test/gone-app:1", imagePullPolicy: "Always" },
    pullFault: { status: 404 },
    exit: 3,
    result: {
      outcome: "failed",
      code: "pod-failed",
      message: /(ErrImagePull|ImagePullBackOff): .*gone-app:1.*1 old pod still serves$/,
    },
  },
  {
    name: "private",
    mode: "classic",
    app: { image: "registry.test/private-app:1", imagePullPolicy: "Always" },
    pullFault: { status: 401 },
    exit: 3,
    result: {
      outcome: "failed",
      code: "pod-failed",
      message: /(ErrImagePull|ImagePullBackOff): .*private-app:1.*1 old pod still serves$/,
    },
  },
  {
    name: "sidecar-gone",
    mode: "unpullable",
    exit: 3,
    result: {
      outcome: "failed",
      code: "pod-failed",
      message:
        /(ErrImagePull|ImagePullBackOff): .*v1\.92\.2-1.* not found; 1 old pod still serves$/,
    },
  },
  // One stumble at the start is no failure.
  {
    name: "init-exits-once",
    mode: "native",
    behaviours: { "istio-init": [exits(1), exits(0)] },
    exit: 0,
    result: RESTARTED,
  },
  {
    name: "proxy-exits-once",
    mode: "native",
    behaviours: { "istio-proxy": [exits(1), sidecar(200)] },
    exit: 0,
    result: RESTARTED,
  },
  {
    name: "app-exits-once",
    mode: "classic",
    behaviours: { app: [exits(1), answers(8080, 200)] },
    exit: 0,
    result: RESTARTED,
  },
  {
    name: "app-exits-twice-early",
    mode: "classic",
    behaviours: { app: [`sleep 1; exit 1`, answers(8080, 200)] },
    exit: 0,
    result: RESTARTED,
  },
  {
    name: "throttled",
    mode: "native",
    app: { image: "registry.test/throttled-app:1", imagePullPolicy: "Always" },
    pullFault: { status: 429, seconds: 3 },
    exit: 0,
    result: RESTARTED,
  },
  // Containers that run and are never ready end with the timeout.
  {
    name: "proxy-never-ready",
    mode: "native",
    behaviours: { "istio-proxy": [sidecar(503)] },
    timeout: "20s",
    exit: 4,
    result: {
      outcome: "timed-out",
      code: "no-progress",
      message:
        /^no progress for 20s, still rolling: the container istio-proxy of the new pod web-proxy-never-ready-\S+ on \S+ is not ready: Startup probe failed: HTTP probe failed with statuscode: 503; 1 old pod still serves$/,
    },
  },
  {
    name: "app-never-ready",
    mode: "classic",
    behaviours: { app: [answers(8080, 503)] },
    timeout: "20s",
    exit: 4,
    result: {
      outcome: "timed-out",
      code: "no-progress",
      message:
        /^no progress for 20s, still rolling: the container app of the new pod web-app-never-ready-\S+ on \S+ is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503; 1 old pod still serves$/,
    },
  },
  // Pods that end slowly are waited for.
  {
    name: "slow-drain",
    mode: "native",
    resource: "statefulsets",
    app: { lifecycle: { preStop: { exec: { command: ["sleep", "8"] } } } },
    exit: 0,
    result: RESTARTED,
  },
  {
    name: "slow-drain-surge",
    mode: "classic",
    app: { lifecycle: { preStop: { exec: { command: ["sleep", "8"] } } } },
    exit: 0,
    result: RESTARTED,
  },
  {
    name: "ignores-termination",
    mode: "classic",
    resource: "statefulsets",
    podSpec: { terminationGracePeriodSeconds: 5 },
    exit: 0,
    result: RESTARTED,
  },
];

/** The behaviour of old pods that differs from the default. */
const OLD: Readonly<Record<string, Behaviour>> = {
  "ignores-termination": [`trap '' TERM; httpd -f -p 8080 -h /www`],
};

const cluster = connectRealCluster(clusterAddress());
const sandboxes = new Map<string, Sandbox>();

/** More restarts at the same time would slow the kubelet down until its pods miss their deadlines. */
const limit = pLimit(8);

/** Milliseconds that all pods may take to start at the same time. */
const START = 240_000;

/** All workloads get the old sidecars first, because the revisions are upgraded only once. */
beforeAll(async () => {
  await installRevisions(cluster);
  await Promise.all([
    ...CASES.map(async (one) => {
      const sandbox = await open(one.name, one.mode);
      const old = OLD[one.name];
      if (old !== undefined) await behave(workloadOf(one.name), "app", ...old);
      const { resource = "deployments", app, podSpec } = one;
      const make = MAKERS[resource];
      // A StatefulSet of one would need consent to downtime.
      const replicas = resource === "statefulsets" ? 2 : 1;
      const options = { replicas, ...onRealNode(app, podSpec) };
      await sandbox.create(resource, make(workloadOf(one.name), options));
      await untilReady(sandbox, replicas, START);
    }),
    ...MODES.map(async (mode) => {
      const sandbox = await open(mode, mode);
      for (const [resource, make] of Object.entries(MAKERS)) {
        const name = `main-${resource}-${mode}`;
        await sandbox.create(resource, make(name, { replicas: 2, ...onRealNode() }));
      }
      // A DaemonSet has one pod, because there is one real node.
      await untilReady(sandbox, 5, START);
    }),
  ]);
  await failPulls(UPGRADES.unpullable, { status: 404 });
  for (const [mode, image] of Object.entries(UPGRADES))
    await cluster.moveImage(REVISIONS[mode as Mode].name, image);
});

afterAll(async () => {
  await Promise.all([...sandboxes.values()].map((sandbox) => sandbox.remove()));
  await cluster.stop();
});

async function open(name: string, mode: Mode): Promise<Sandbox> {
  const sandbox = await openSandbox(cluster, { "istio.io/rev": REVISIONS[mode].name }, name);
  await untilUsable(cluster, sandbox);
  sandboxes.set(name, sandbox);
  return sandbox;
}

/** Behaviours belong to names, so that no name may occur in another file, too. */
function workloadOf(name: string): string {
  return `web-${name}`;
}

function sandboxOf(name: string): Sandbox {
  const sandbox = sandboxes.get(name);
  if (sandbox === undefined) throw new Error(`${name} was not created`);
  return sandbox;
}

describe.concurrent("on a real node", () => {
  test.for(MODES)("check, restart and verify do the whole job: %s", async (mode) => {
    const images = await limit(() => wholeJob(mode));
    expect(images).toEqual(Array(5).fill(UPGRADES[mode]));
  });

  test.for(CASES.map((one): [string, Case] => [one.name, one]))(
    "a restart reports the new pods: %s",
    async ([name, one]) => {
      const reported = await limit(() => restartOne(name, one));
      expect(reported).toEqual({
        exit: one.exit,
        results: [{ ...one.result, message: expect.stringMatching(one.result.message) }],
      });
    },
  );
});

/** Returns the images of the sidecars after the job. */
async function wholeJob(mode: Mode): Promise<string[]> {
  const sandbox = sandboxOf(mode);
  expect(await run(cluster, "check", "-n", sandbox.name)).toMatchObject({ status: 2 });
  const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
  expect(ran).toMatchObject({ status: 0 });
  const { results } = parseReport("RestartReport", ran.stdout);
  expect(results.map(({ kind, outcome, code }) => [kind, outcome, code]).toSorted()).toEqual(
    ["DaemonSet", "Deployment", "StatefulSet"].map((kind) => [kind, "restarted", "rolled-out"]),
  );
  expect(await run(cluster, "verify", "-n", sandbox.name)).toMatchObject({ status: 0 });
  expect(await run(cluster, "check", "-n", sandbox.name)).toMatchObject({ status: 0 });
  return (await sandbox.pods()).flatMap(({ spec }) =>
    [...spec.containers, ...spec.initContainers]
      .filter(({ name }) => name === "istio-proxy")
      .map(({ image }) => image),
  );
}

/** Restarts the workload of a case, and returns what the program reports. */
async function restartOne(name: string, one: Case): Promise<unknown> {
  const sandbox = sandboxOf(name);
  if (OLD[name] !== undefined) await behave(workloadOf(name), "app", DEFAULTS.app);
  for (const [role, behaviour] of Object.entries(one.behaviours ?? {}))
    await behave(workloadOf(name), role as Role, ...behaviour);
  if (one.pullFault) await failPulls(String(one.app?.["image"]), one.pullFault);

  const args = ["-n", sandbox.name, "--yes", "--json", "--timeout", one.timeout ?? "4m"];
  const ran = await run(cluster, "restart", ...args);
  const { results } = parseReport("RestartReport", ran.stdout);
  return {
    exit: ran.status,
    results: results.map(({ outcome, code, message }) => ({ outcome, code, message })),
  };
}
