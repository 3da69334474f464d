import { test as base, expect, vi } from "vitest";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { type Manifest, namespace, pod } from "../support/manifests.ts";
import { problemOfSteps } from "../support/pasted-steps.ts";
import { type RunResult, runProgram } from "../support/run-program.ts";
import {
  type Answer,
  POD_BEHAVIOUR,
  type RequestOptions,
  type TestCluster,
} from "../support/test-cluster.ts";
import { hasRealCluster, openRealCluster } from "../testbed/open-real-cluster.ts";

const GROUPS: Readonly<Record<string, string>> = {
  deployments: "/apis/apps/v1",
  statefulsets: "/apis/apps/v1",
  daemonsets: "/apis/apps/v1",
  replicasets: "/apis/apps/v1",
  rollouts: "/apis/argoproj.io/v1alpha1",
  jobs: "/apis/batch/v1",
  poddisruptionbudgets: "/apis/policy/v1",
};

/** Repeats the assertion until it passes: real controllers take their time. */
export async function eventually(assertion: () => Promise<void>, timeout = 30_000): Promise<void> {
  await vi.waitFor(assertion, { timeout, interval: 50 });
}

/** Returns the number of nodes, which is that of the pods of a DaemonSet. */
export async function countNodes(cluster: TestCluster): Promise<number> {
  return (await cluster.request("GET", "/api/v1/nodes")).body.items.length;
}

/** Skips a test on the real cluster and prints the reason, which the test runner does not print. */
export function onlyEmbedded(
  cluster: TestCluster,
  skip: (reason: string) => void,
  reason: string,
): void {
  if (cluster.kind !== "embedded") skipAloud(skip, reason);
}

/** Skips a test on the embedded cluster, likewise. */
export function onlyReal(
  cluster: TestCluster,
  skip: (reason: string) => void,
  reason: string,
): void {
  if (cluster.kind !== "real") skipAloud(skip, reason);
}

function skipAloud(skip: (reason: string) => void, reason: string): void {
  process.stderr.write(`skipped: ${reason}\n`);
  skip(reason);
}

/**
 * Runs the program against a cluster with full permissions. The next steps of a document that it
 * prints have to repeat the flags that led to the cluster.
 */
export async function run(cluster: TestCluster, ...args: readonly string[]): Promise<RunResult> {
  const result = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
  if (result.stdout.startsWith("{\n")) {
    expect(problemOfSteps(JSON.parse(result.stdout), args)).toBeUndefined();
  }
  return result;
}

/** Waits until istiod has loaded an image. */
export async function untilInjected(
  cluster: TestCluster,
  sandbox: Sandbox,
  image: string,
): Promise<void> {
  const probe = { body: pod("probe") };
  await eventually(async () => {
    const { body } = await cluster.request("POST", `${sandbox.path("pods")}?dryRun=All`, probe);
    expect(JSON.stringify(body)).toContain(image);
  });
}

/** Waits until the namespace has exactly `count` pods and all of them are ready. */
export async function untilReady(sandbox: Sandbox, count: number, timeout?: number): Promise<void> {
  await eventually(async () => {
    const pods = await sandbox.pods();
    const ready = pods.filter(({ status }) =>
      (status.conditions ?? []).some(
        (condition: { type: string; status: string }) =>
          condition.type === "Ready" && condition.status === "True",
      ),
    );
    expect([pods.length, ready.length]).toEqual([count, count]);
  }, timeout);
}

/** Lets the pods end that are terminating. Returns all pods from before, those that were terminating too. */
export async function endTerminating(
  cluster: TestCluster,
  sandbox: Sandbox,
): Promise<readonly Answer["body"][]> {
  const { body } = await cluster.request("GET", sandbox.path("pods"));
  const pods: Answer["body"][] = body.items;
  for (const { metadata } of pods.filter((one) => one.metadata.deletionTimestamp !== undefined)) {
    const annotations = { [POD_BEHAVIOUR.drain]: null };
    await sandbox.patch("pods", metadata.name, { metadata: { annotations } });
  }
  return pods;
}

/**
 * Waits until no namespace has the label of a revision: those of other tests take a while to end. Only for
 * tests about the state of the whole cluster.
 *
 * @param revision the only one that must not be left; by default, any.
 */
export async function untilAlone(cluster: TestCluster, revision?: string): Promise<void> {
  const label = revision === undefined ? "istio.io/rev" : `istio.io/rev=${revision}`;
  const path = `/api/v1/namespaces?labelSelector=${encodeURIComponent(label)}`;
  await eventually(async () => {
    const { body } = await cluster.request("GET", path);
    // The conditions show what keeps a namespace from ending.
    const left = body.items.map(({ metadata, status }: Answer["body"]) => [metadata.name, status]);
    expect(left).toEqual([]);
  }, 120_000);
}

export const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

/** A namespace that belongs to one test; paths and requests are relative to it. */
export interface Sandbox {
  readonly name: string;
  path(resource: string, name?: string): string;
  create(resource: string, manifest: Manifest): Promise<Answer["body"]>;
  get(resource: string, name: string): Promise<Answer["body"]>;
  /** Returns all pods that are not terminating. */
  pods(): Promise<Answer["body"][]>;
  patch(resource: string, name: string, body: unknown): Promise<Answer>;
  /** Sends exactly the patch of `kubectl rollout restart`. */
  restart(resource: string, name: string, at: string): Promise<Answer>;
  /** Sets labels of the namespace itself; `null` removes a label. */
  relabel(labels: Readonly<Record<string, string | null>>): Promise<void>;
  remove(): Promise<void>;
}

interface Fixtures {
  readonly cluster: TestCluster;
  /** Creates a namespace with these labels and deletes it after the test; its name has the prefix. */
  readonly enter: (labels?: Readonly<Record<string, string>>, prefix?: string) => Promise<Sandbox>;
  readonly sandbox: Sandbox;
}

export const test = base.extend<Fixtures>({
  cluster: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixture names from the pattern
    async ({}, use) => {
      const cluster = await openCluster();
      await use(cluster);
      await cluster.stop();
    },
    { scope: "file" },
  ],
  enter: async ({ cluster }, use) => {
    const opened: Sandbox[] = [];
    await use(async (labels, prefix) => {
      const sandbox = await openSandbox(cluster, labels, prefix);
      opened.push(sandbox);
      return sandbox;
    });
    await Promise.all(opened.map((sandbox) => sandbox.remove()));
  },
  sandbox: async ({ enter }, use) => use(await enter()),
});

/**
 * Opens the cluster of this test run: the real one if `npm run test:cluster` started it, otherwise
 * an embedded one.
 */
async function openCluster(): Promise<TestCluster> {
  return hasRealCluster() ? openRealCluster() : startEmbeddedCluster();
}

/** Creates a namespace with these labels, and resolves once pods can be created in it. */
export async function openSandbox(
  cluster: TestCluster,
  labels: Readonly<Record<string, string>> = {},
  prefix = "contract",
): Promise<Sandbox> {
  const name = `${prefix}-${Math.random().toString(36).slice(2, 10)}`;
  const path = (resource: string, object?: string) =>
    [GROUPS[resource] ?? "/api/v1", "namespaces", name, resource, object].filter(Boolean).join("/");
  const created = await cluster.request("POST", "/api/v1/namespaces", {
    body: namespace(name, labels),
  });
  expect(created.status).toBe(201);
  // The API server rejects pods until the service account controller has seen the namespace.
  const options = { body: pod("probe") };
  await eventually(async () =>
    expect((await cluster.request("POST", `${path("pods")}?dryRun=All`, options)).status).toBe(201),
  );

  const patch = (resource: string, object: string, body: unknown) => {
    // The API server supports no strategic merge patch for custom resources.
    const type = resource === "rollouts" ? "merge-patch" : "strategic-merge-patch";
    const sent: RequestOptions = { body, contentType: `application/${type}+json` };
    return cluster.request("PATCH", `${path(resource, object)}?fieldManager=kubectl-rollout`, sent);
  };
  return {
    name,
    path,
    patch,
    async create(resource, manifest) {
      const answer = await cluster.request("POST", path(resource), { body: manifest });
      expect(answer).toMatchObject({ status: 201 });
      return answer.body;
    },
    async get(resource, object) {
      return (await cluster.request("GET", path(resource, object))).body;
    },
    async pods() {
      const { body } = await cluster.request("GET", path("pods"));
      return body.items.filter(
        (item: Answer["body"]) => item.metadata.deletionTimestamp === undefined,
      );
    },
    restart(resource, object, at) {
      const annotations = { [RESTARTED_AT]: at };
      return patch(resource, object, { spec: { template: { metadata: { annotations } } } });
    },
    async relabel(changed) {
      const contentType = "application/merge-patch+json";
      const sent: RequestOptions = { body: { metadata: { labels: changed } }, contentType };
      const answer = await cluster.request("PATCH", `/api/v1/namespaces/${name}`, sent);
      expect(answer.status).toBe(200);
    },
    async remove() {
      await cluster.request("DELETE", `/api/v1/namespaces/${name}`);
      if (cluster.kind === "real") await endDraining(cluster, path("pods"));
    },
  };
}

/** Ends the pods that drain for a while, because their namespace would last as long, for other tests to see. */
async function endDraining(cluster: TestCluster, pods: string): Promise<void> {
  await eventually(async () => {
    const { body } = await cluster.request("GET", pods);
    const names: string[] = body.items
      .filter(({ metadata }: Answer["body"]) => metadata.annotations?.[POD_BEHAVIOUR.drain])
      .map(({ metadata }: Answer["body"]) => metadata.name);
    for (const name of names) {
      await cluster.request("DELETE", `${pods}/${name}?gracePeriodSeconds=0`);
    }
    expect(names).toEqual([]);
  });
}
