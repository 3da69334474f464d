import { proxyImage } from "../support/build/pod-group.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { runProgram } from "../support/run-program.ts";

/** The number of dry runs that one check of a cluster requests. */
export interface DryRunCount {
  readonly title: string;
  readonly exit: number;
  readonly pods: number;
  readonly namespaces: number;
  readonly dryRuns: number;
}

const REVISION = "asm-1-27";
const [OLD, NEW] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const MIRROR = "mirror.example.com";
const PODS_PER_DEPLOYMENT = 4;
const DEPLOYMENTS_PER_NAMESPACE = 25;

/**
 * Counts the dry runs of checks on an embedded cluster, which has a policy that changes images.
 */
export async function countDryRuns(pods: number): Promise<readonly DryRunCount[]> {
  const mirrored = NEW.replace("mcr.microsoft.com", MIRROR);
  return [
    await count("lagging", pods, OLD, undefined),
    await count("mirrored", pods, mirrored, MIRROR),
  ];
}

async function count(
  title: string,
  pods: number,
  image: string,
  registry: string | undefined,
): Promise<DryRunCount> {
  const namespaces = Math.ceil(pods / PODS_PER_DEPLOYMENT / DEPLOYMENTS_PER_NAMESPACE);
  const cluster = await startEmbeddedCluster();
  try {
    await cluster.installRevision({ name: REVISION, image: NEW });
    cluster.put([
      ...Array.from({ length: namespaces }, (_, index) => objectsOf(index, image)).flat(),
      ...(registry === undefined ? [] : [policyOf(registry)]),
    ]);
    const ran = await runProgram(["check", "-o", "json"], { KUBECONFIG: cluster.kubeconfig });
    const dryRuns = cluster.requests.filter(
      ({ method, path }) => method === "POST" && path.includes("/pods?dryRun=All"),
    ).length;
    return { title, exit: ran.status ?? -1, pods, namespaces, dryRuns };
  } finally {
    await cluster.stop();
  }
}

/** Returns a policy that moves the images of all new pods to a registry. */
function policyOf(registry: string) {
  return {
    kind: "MutatingAdmissionPolicy",
    metadata: { name: "mirror", annotations: { "test.istio-upgrade/registry": registry } },
    spec: { matchConstraints: {} },
  };
}

function objectsOf(index: number, image: string) {
  const namespace = `shop-${String(index).padStart(5, "0")}`;
  const home = {
    kind: "Namespace",
    metadata: { name: namespace, uid: namespace, labels: { "istio.io/rev": REVISION } },
  };
  const workloads = Array.from({ length: DEPLOYMENTS_PER_NAMESPACE }, (_, number) =>
    workloadOf(namespace, `web-${number}`, image),
  );
  return [home, ...workloads.flat()];
}

/** Returns a Deployment that is rolled out, its ReplicaSet and its pods. */
function workloadOf(namespace: string, name: string, image: string) {
  const labels = { app: name };
  const containers = [{ name: "app", image: "registry.example.com/app:1" }];
  const uid = `${namespace}-${name}`;
  const meta = (objectName: string, own: string, owner?: readonly [kind: string, uid: string]) => ({
    name: objectName,
    namespace,
    uid: own,
    labels,
    generation: 1,
    creationTimestamp: "2026-11-01T00:00:00Z",
    ...(owner && {
      ownerReferences: [{ kind: owner[0], name, uid: owner[1], controller: true }],
    }),
  });
  const template = { metadata: { labels }, spec: { containers } };
  const status = {
    observedGeneration: 1,
    replicas: PODS_PER_DEPLOYMENT,
    updatedReplicas: PODS_PER_DEPLOYMENT,
    availableReplicas: PODS_PER_DEPLOYMENT,
    conditions: [],
  };
  const deployment = {
    kind: "Deployment",
    apiVersion: "apps/v1",
    metadata: meta(name, uid),
    spec: { replicas: PODS_PER_DEPLOYMENT, selector: { matchLabels: labels }, template },
    status,
  };
  const set = {
    kind: "ReplicaSet",
    apiVersion: "apps/v1",
    metadata: meta(`${name}-1`, `${uid}-1`, ["Deployment", uid]),
    spec: { replicas: PODS_PER_DEPLOYMENT, selector: { matchLabels: labels }, template },
    status: { replicas: PODS_PER_DEPLOYMENT },
  };
  const injected = JSON.stringify({ containers: ["istio-proxy"], revision: REVISION });
  const pods = Array.from({ length: PODS_PER_DEPLOYMENT }, (_, number) => {
    const metadata = meta(`${name}-1-${number}`, `${uid}-1-${number}`, ["ReplicaSet", `${uid}-1`]);
    return {
      kind: "Pod",
      apiVersion: "v1",
      metadata: {
        ...metadata,
        labels: { ...labels, "pod-template-hash": "1" },
        annotations: { "istio.io/rev": REVISION, "sidecar.istio.io/status": injected },
      },
      spec: { containers: [...containers, { name: "istio-proxy", image }] },
      status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
    };
  });
  return [deployment, set, ...pods];
}
