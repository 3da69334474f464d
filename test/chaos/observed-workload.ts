import type { Answer, TestCluster } from "../support/test-cluster.ts";
import { type CreatedWorkload, namespacesOf, objectPath } from "./created-workload.ts";

/** A workload and its live pods as the API server shows them, without any code under test. */
export interface ObservedWorkload {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
  /** The number of pods that it asks for. */
  readonly wanted: number;
  readonly pods: readonly ObservedPod[];
  /** The sidecar that a new pod of its template gets. */
  readonly next: NextPod;
}

export interface ObservedPod extends Sidecar {
  readonly name: string;
  readonly ready: boolean;
}

/** A sidecar; without an image if there is none. */
export interface Sidecar {
  readonly image: string | undefined;
  readonly revision: string | undefined;
}

/** The sidecar of a new pod, or the message of the API server that rejects it. */
export interface NextPod extends Sidecar {
  readonly rejection: string | undefined;
}

/** Observes those workloads that exist. */
export async function observeWorkloads(
  cluster: TestCluster,
  workloads: readonly CreatedWorkload[],
): Promise<readonly ObservedWorkload[]> {
  const pods = await Promise.all(namespacesOf(workloads).map((name) => livePods(cluster, name)));
  const observed = await Promise.all(workloads.map((one) => observe(cluster, one, pods.flat())));
  return observed.flatMap((one) => one ?? []);
}

/** Returns the uids of the workloads that have a live pod with a sidecar. */
export async function workloadsWithSidecar(
  cluster: TestCluster,
  workloads: readonly CreatedWorkload[],
): Promise<readonly string[]> {
  const pods = await Promise.all(namespacesOf(workloads).map((name) => livePods(cluster, name)));
  const injected = pods.flat().filter(({ image }) => image !== undefined);
  return [...new Set(injected.flatMap(({ owner }) => owner ?? []))];
}

/** A live pod with the uid of the workload that owns it. */
interface OwnedPod extends ObservedPod {
  readonly owner: string | undefined;
}

async function observe(
  cluster: TestCluster,
  one: CreatedWorkload,
  pods: readonly OwnedPod[],
): Promise<ObservedWorkload | undefined> {
  const { status, body } = await cluster.request("GET", objectPath(one));
  if (status !== 200 || body.metadata.deletionTimestamp !== undefined) return undefined;
  const { metadata, spec } = body;
  return {
    namespace: one.namespace,
    kind: one.spec.kind,
    name: one.name,
    uid: metadata.uid,
    labels: metadata.labels ?? {},
    resourceVersion: metadata.resourceVersion,
    wanted: spec.replicas ?? body.status.desiredNumberScheduled ?? 0,
    pods: pods.filter(({ owner }) => owner === metadata.uid),
    next: await nextPod(cluster, one.namespace, spec.template),
  };
}

/** Creates a pod of a template as a dry run. */
async function nextPod(
  cluster: TestCluster,
  namespace: string,
  template: Answer["body"],
): Promise<NextPod> {
  const { status, body } = await cluster.request(
    "POST",
    `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
    {
      body: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...template.metadata, generateName: "dry-" },
        spec: template.spec,
      },
    },
  );
  return status === 201
    ? { ...sidecarOf(body), rejection: undefined }
    : { image: undefined, revision: undefined, rejection: String(body.message) };
}

async function livePods(cluster: TestCluster, namespace: string): Promise<readonly OwnedPod[]> {
  const sets = await cluster.request("GET", `/apis/apps/v1/namespaces/${namespace}/replicasets`);
  const owners = new Map<string, string | undefined>(
    sets.body.items.map(({ metadata }: Answer["body"]) => [metadata.uid, ownerOf(metadata)]),
  );
  const { body } = await cluster.request("GET", `/api/v1/namespaces/${namespace}/pods`);
  return body.items
    .filter(
      ({ metadata, status }: Answer["body"]) =>
        metadata.deletionTimestamp === undefined && !["Succeeded", "Failed"].includes(status.phase),
    )
    .map((pod: Answer["body"]) => {
      const owner = ownerOf(pod.metadata);
      return {
        name: pod.metadata.name,
        owner: owner === undefined ? undefined : (owners.get(owner) ?? owner),
        ready: (pod.status.conditions ?? []).some(
          ({ type, status }: Answer["body"]) => type === "Ready" && status === "True",
        ),
        ...sidecarOf(pod),
      };
    });
}

function ownerOf({ ownerReferences = [] }: Answer["body"]): string | undefined {
  return ownerReferences.find(({ controller }: Answer["body"]) => controller === true)?.uid;
}

function sidecarOf({ metadata, spec }: Answer["body"]): Sidecar {
  const proxy = [...(spec.initContainers ?? []), ...spec.containers].find(
    ({ name }: Answer["body"]) => name === "istio-proxy",
  );
  return { image: proxy?.image, revision: metadata.annotations?.["istio.io/rev"] };
}
