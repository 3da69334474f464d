import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../support/test-cluster.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { APP, jobOf, manifestOf, pathOf, wantedPods } from "./objects.ts";
import type { Stage } from "./plane.ts";
import { type Case, caseOf, type Place, type Workload, type World } from "./world.ts";

/** A workload that stands in the cluster. */
export interface Placed {
  readonly namespace: string;
  readonly name: string;
  readonly case: Case;
  /** A bare pod may have been refused: then there is nothing to judge. */
  readonly exists: boolean;
}

interface Spot {
  readonly namespace: string;
  readonly place: Place;
}

let rounds = 0;

/**
 * Makes a world real, in its two steps.
 *
 * @returns its workloads, each with pods, or with the reason of the API server why it has none.
 */
export async function applyWorld(
  cluster: RealCluster,
  stage: Stage,
  world: World,
): Promise<readonly Placed[]> {
  rounds += 1;
  const run = `oracle-${Date.now().toString(36)}-${rounds}`;
  const spots = world.places.map((place, index) => ({ namespace: `${run}-${index}`, place }));
  await stage.moveTo(world.before);
  await Promise.all(spots.map(({ namespace, place }) => open(cluster, namespace, place.before)));
  const early = await createAll(cluster, world, spots, "before");
  await settle(cluster, early);
  await stage.moveTo(world.now);
  await Promise.all(spots.map(({ namespace, place }) => relabel(cluster, namespace, place)));
  const late = await createAll(cluster, world, spots, "now");
  await settle(cluster, [...early, ...late]);
  return [...early, ...late].filter(({ exists }) => exists);
}

/** Namespaces go by themselves, in the background. */
export async function removePlaced(cluster: RealCluster, placed: readonly Placed[]): Promise<void> {
  const names = [...new Set(placed.map(({ namespace }) => namespace))];
  await Promise.all(names.map((name) => cluster.request("DELETE", `/api/v1/namespaces/${name}`)));
}

async function open(cluster: RealCluster, name: string, labels: Place["before"]): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  await created(cluster, "/api/v1/namespaces", body);
  // Pods are refused until the controllers have seen the namespace.
  const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
  while ((await cluster.request("GET", account)).status !== 200) await sleep(50);
}

async function relabel(cluster: RealCluster, namespace: string, place: Place): Promise<void> {
  const gone = Object.keys(place.before).filter((key) => !(key in place.now));
  const labels = { ...Object.fromEntries(gone.map((key) => [key, null])), ...place.now };
  const { status, body } = await cluster.request("PATCH", `/api/v1/namespaces/${namespace}`, {
    body: { metadata: { labels } },
    contentType: "application/merge-patch+json",
  });
  if (status !== 200) throw new Error(`labels of ${namespace}: ${body.message}`);
}

async function createAll(
  cluster: RealCluster,
  world: World,
  spots: readonly Spot[],
  when: Workload["when"],
): Promise<readonly Placed[]> {
  const all = spots.map(({ namespace, place }) =>
    Promise.all(
      place.workloads.map(async (workload, index) => {
        if (workload.when !== when) return [];
        const name = `w${index}`;
        const exists = await create(cluster, namespace, name, workload);
        return [{ namespace, name, case: caseOf(world, place, workload), exists }];
      }),
    ),
  );
  return (await Promise.all(all)).flat(2);
}

/** @returns false where a bare pod was refused. */
async function create(
  cluster: RealCluster,
  namespace: string,
  name: string,
  workload: Workload,
): Promise<boolean> {
  const manifest = manifestOf(name, workload);
  const path = pathOf(namespace, workload.kind);
  if (workload.kind === "Pod") {
    return (await cluster.request("POST", path, { body: manifest })).status === 201;
  }
  const { metadata } = await created(cluster, path, manifest);
  if (workload.kind === "CronJob") {
    await created(cluster, pathOf(namespace, "Job"), jobOf(manifest, metadata.uid, workload));
  }
  return true;
}

async function created(cluster: RealCluster, path: string, body: unknown): Promise<Answer["body"]> {
  const answer = await cluster.request("POST", path, { body });
  if (answer.status !== 201) {
    throw new Error(`POST ${path}: ${answer.status} ${answer.body.message ?? answer.body}`);
  }
  return answer.body;
}

const PATIENCE = 30_000;

/** Waits until all have their pods, running, or were told why not. */
async function settle(cluster: RealCluster, placed: readonly Placed[]): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const [pods, refusals] = await Promise.all([countPods(cluster), refused(cluster)]);
    const waiting = placed.filter(({ namespace, name, exists, case: { workload } }) => {
      const key = `${namespace}/${name}`;
      return exists && !refusals.has(key) && (pods.get(key) ?? 0) < wantedPods(workload);
    });
    if (waiting.length === 0) return;
    await sleep(200);
  }
}

async function countPods(cluster: RealCluster): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const query = `fieldSelector=status.phase%3DRunning&labelSelector=${APP}`;
  const { body } = await cluster.request("GET", `/api/v1/pods?${query}`);
  for (const { metadata } of body.items) {
    const key = `${metadata.namespace}/${metadata.labels[APP]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** `namespace/name` of the workloads of which some pod could not be created. */
async function refused(cluster: RealCluster): Promise<ReadonlySet<string>> {
  const query = "fieldSelector=reason%3DFailedCreate";
  const { body } = await cluster.request("GET", `/api/v1/events?${query}`);
  return new Set(
    body.items.map(({ involvedObject: { namespace, name } }: Answer["body"]) => {
      // Of a Deployment it is the ReplicaSet, of a CronJob the Job.
      return `${namespace}/${name.split("-")[0]}`;
    }),
  );
}
