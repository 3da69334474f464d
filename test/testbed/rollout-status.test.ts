import { execFile } from "node:child_process";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApi } from "../../src/http/api.ts";
import { loadConnection } from "../../src/connection/kubeconfig.ts";
import { readSnapshot } from "../../src/cluster/read.ts";
import { rolloutStatus } from "../../src/rollout/status.ts";
import { startEmbeddedCluster, type EmbeddedCluster } from "../support/embedded/cluster.ts";
import type { Manifest } from "../support/manifests.ts";
import { openRealCluster } from "./open-real-cluster.ts";

const INSTANTS = { Deployment: 200, StatefulSet: 160, DaemonSet: 140 } as const;
type Kind = keyof typeof INSTANTS;
const KINDS = Object.keys(INSTANTS) as Kind[];
const SEED = 20261124;

const few = fc.integer({ min: 0, max: 4 });
/** The number of generations by which the controller is behind. */
const lag = fc.constantFrom(0, 0, 0, 1, 2);
const condition = fc.record({
  type: fc.constantFrom("Progressing", "Progressing", "Available", "ReplicaFailure"),
  status: fc.constantFrom("True", "False", "Unknown"),
  reason: fc.constantFrom(
    "NewReplicaSetAvailable",
    "ReplicaSetUpdated",
    "ProgressDeadlineExceeded",
    "DeploymentPaused",
    "FailedCreate",
  ),
  message: fc.constant("words"),
});

/** Any state of a rollout, including states that no controller would keep for long. */
const SPECS: Readonly<Record<Kind, fc.Arbitrary<object>>> = {
  Deployment: fc.record({
    spec: fc.record({ replicas: few, paused: fc.boolean() }),
    status: fc.record({
      replicas: few,
      updatedReplicas: few,
      availableReplicas: few,
      conditions: fc.uniqueArray(condition, { maxLength: 2, selector: ({ type }) => type }),
    }),
  }),
  StatefulSet: fc.record({
    spec: fc.record({
      replicas: few,
      updateStrategy: fc.oneof(
        { weight: 6, arbitrary: few.map((partition) => rolling({ partition })) },
        { weight: 1, arbitrary: fc.constant({ type: "OnDelete" }) },
      ),
    }),
    status: fc.record({ replicas: few, readyReplicas: few, updatedReplicas: few }),
  }),
  DaemonSet: fc.record({
    spec: fc.record({
      updateStrategy: fc.constantFrom(
        rolling({ maxUnavailable: 1 }),
        rolling({ maxUnavailable: 1 }),
        rolling({ maxUnavailable: 1 }),
        { type: "OnDelete" },
      ),
    }),
    status: fc.record({
      desiredNumberScheduled: few,
      updatedNumberScheduled: few,
      numberAvailable: few,
    }),
  }),
};

function rolling(rollingUpdate: object): object {
  return { type: "RollingUpdate", rollingUpdate };
}

/** Returns objects whose names sort in the order of creation. Every kind has its own namespace. */
function objectsOf(kind: Kind): readonly Manifest[] {
  const instants = fc.record({
    facts: SPECS[kind],
    generation: fc.integer({ min: 1, max: 5 }),
    lag,
  });
  return fc
    .sample(instants, { numRuns: INSTANTS[kind], seed: SEED })
    .map(({ facts, generation, lag: behind }, index) => {
      const { spec, status } = facts as { readonly spec: object; readonly status: object };
      const name = `w-${String(index).padStart(3, "0")}`;
      const labels = { app: name };
      return {
        apiVersion: "apps/v1",
        kind,
        metadata: { namespace: namespaceOf(kind), name, uid: `${kind}-${name}`, generation },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: "app", image: "a:1" }] } },
          ...spec,
        },
        status: { observedGeneration: Math.max(0, generation - behind), ...status },
      };
    });
}

function namespaceOf(kind: Kind): string {
  return kind.toLowerCase();
}

let cluster: EmbeddedCluster;
let kubectl: string;

beforeAll(async () => {
  cluster = await startEmbeddedCluster();
  cluster.put(
    KINDS.flatMap((kind) => [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespaceOf(kind), labels: {} } },
      ...objectsOf(kind),
    ]),
  );
  const real = openRealCluster();
  kubectl = real.programs.kubectl;
  await real.stop();
});
afterAll(() => cluster.stop());

/** Returns the state of each object as kubectl reports it; failures are on stderr. */
async function statesOfKubectl(kind: Kind): Promise<ReadonlyMap<string, string>> {
  const args = ["rollout", "status", kind.toLowerCase(), "--watch=false", "-n", namespaceOf(kind)];
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: "/nonexistent",
    KUBECONFIG: cluster.kubeconfig,
    // kubectl falls back to lists if a watch cannot send them, and reports that each time.
    KUBE_FEATURE_WatchListClient: "false",
  };
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    execFile(kubectl, args, { env }, (_error, out, err) => resolve({ stdout: out, stderr: err }));
  });
  const failed = new Set(
    objectsOf(kind)
      .filter((object) => isFailure(object, stderr))
      .map(nameOf),
  );
  // Each of the other objects has one line, in the order of the list.
  const lines = stdout.split("\n").filter((line) => line !== "");
  const others = objectsOf(kind)
    .map(nameOf)
    .filter((name) => !failed.has(name));
  expect([kind, lines.length, stderr.slice(0, 300)]).toEqual([
    kind,
    others.length,
    stderr.slice(0, 300),
  ]);
  const named = others.map((name, index) => [name, stateIn(lines[index] ?? "")] as const);
  return new Map([...named, ...[...failed].map((name) => [name, "failed"] as const)]);
}

/**
 * True if kubectl reports a failure. Errors name a Deployment; for other kinds only objects that
 * cannot be followed cause an error.
 */
function isFailure({ kind, metadata, spec }: Manifest, stderr: string): boolean {
  if (kind === "Deployment") {
    const { name } = metadata as { readonly name: string };
    return stderr.includes(`deployment "${name}" exceeded its progress deadline`);
  }
  return JSON.stringify(spec).includes("OnDelete");
}

function nameOf({ metadata }: Manifest): string {
  return (metadata as { readonly name: string }).name;
}

function stateIn(line: string): string {
  if (/successfully rolled out|roll out complete/.test(line)) return "done";
  return line.startsWith("Waiting for") ? "waiting" : `unknown: ${line}`;
}

async function ourStates(kind: Kind): Promise<ReadonlyMap<string, string>> {
  const requestTimeout = 30_000;
  const { kubeconfig } = cluster;
  const nobody = { context: undefined, as: undefined, asGroups: [] };
  const connection = await loadConnection({ kubeconfig, requestTimeout, ...nobody }, {});
  const api = openApi(connection, requestTimeout, {
    sleep: () => Promise.resolve(),
    random: Math.random,
    now: Date.now,
    trace: undefined,
    encoding: "json",
  });
  const namespaces = [namespaceOf(kind)];
  const { workloads } = await readSnapshot(api, { istioNamespace: "aks-istio-system", namespaces });
  api.close();
  return new Map(
    workloads.flatMap(({ name, rollout }) =>
      rollout === undefined ? [] : [[name, rolloutStatus(rollout).state] as const],
    ),
  );
}

test("kubectl rollout status and the program agree about 500 states of rollouts", async () => {
  const both = await Promise.all(
    KINDS.map(async (kind) => [kind, await ourStates(kind), await statesOfKubectl(kind)] as const),
  );
  let instants = 0;
  const states = new Set<string>();
  for (const [kind, ours, kubectls] of both) {
    for (const object of objectsOf(kind)) {
      const name = nameOf(object);
      expect([kind, name, ours.get(name), JSON.stringify(object)]).toEqual([
        kind,
        name,
        kubectls.get(name),
        JSON.stringify(object),
      ]);
      states.add(`${kind} ${ours.get(name)}`);
      instants += 1;
    }
  }
  expect(instants).toBe(500);
  // Every state of every kind must have occurred.
  expect([...states].sort()).toEqual(
    KINDS.flatMap((kind) =>
      ["done", "failed", "waiting"].map((state) => `${kind} ${state}`),
    ).sort(),
  );
});
