import { expect } from "vitest";
import { deployment, pod } from "../support/manifests.ts";
import type { Answer, TestCluster } from "../support/test-cluster.ts";
import { FAKE_NODE } from "../testbed/nodes.ts";
import { eventually, type Sandbox, untilReady } from "./sandbox.ts";

type Enter = (labels: Readonly<Record<string, string>>) => Promise<Sandbox>;

/** The images of a revision before and after its patch. */
export interface PatchedRevision {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Creates an outdated Deployment of two pods, and a bare pod, whose native sidecars can be replaced in place: their node
 * and their status show what a kubelet would report. No container is replaced, because no kubelet runs.
 */
export async function createReplaceable(
  cluster: TestCluster,
  enter: Enter,
  { name: revision, from, to }: PatchedRevision,
): Promise<{ readonly sandbox: Sandbox; readonly node: string }> {
  await cluster.installRevision({ name: revision, image: from, native: true });
  await cluster.moveImage(revision, from);
  const sandbox = await enter({ "istio.io/rev": revision });
  const node = `node-of-${sandbox.name}`;
  await createNode(cluster, node, [from, to]);
  const podSpec = { nodeName: node, tolerations: [{ operator: "Exists" }] };
  await sandbox.create(
    "deployments",
    deployment("web", { replicas: 2, podSpec: { ...withApp(), ...podSpec } }),
  );
  const options = { annotations: METRICS, podSpec: { ...withApp(), ...podSpec } };
  await sandbox.create("pods", pod("bare", options));
  await untilReady(sandbox, 3);
  for (const one of await sandbox.pods()) await reportContainers(cluster, sandbox, one);
  await cluster.moveImage(revision, to);
  return { sandbox, node };
}

/** Injection redirects the probes to the sidecar, and changes these annotations. */
const METRICS = { "prometheus.io/scrape": "true", "prometheus.io/port": "9090" };

function withApp() {
  const livenessProbe = { httpGet: { path: "/live", port: 8080 }, failureThreshold: 6 };
  const readinessProbe = { tcpSocket: { port: 8080 } };
  const image = "registry.test/app:1.0";
  return { containers: [{ name: "app", image, livenessProbe, readinessProbe }] };
}

async function createNode(
  cluster: TestCluster,
  name: string,
  images: readonly string[],
): Promise<void> {
  const body = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name },
      annotations: { [FAKE_NODE]: "fake" },
    },
    // Nothing else is scheduled here.
    spec: { unschedulable: true },
  };
  expect(await cluster.request("POST", "/api/v1/nodes", { body })).toMatchObject({ status: 201 });
  const path = `/api/v1/nodes/${name}`;
  if (cluster.kind === "real") {
    await eventually(async () => {
      const { body: node } = await cluster.request("GET", path);
      expect(node.status?.phase).toBe("Running");
    });
  }
  await setNodeStatus(cluster, name, {
    images: images.map((image) => ({ names: [image], sizeBytes: 1 })),
    nodeInfo: { kubeletVersion: "v1.33.2" },
  });
}

/** Changes what the kubelet of a node reports. */
export async function setNodeStatus(
  cluster: TestCluster,
  name: string,
  status: unknown,
): Promise<void> {
  const sent = { body: { status }, contentType: "application/merge-patch+json" };
  const answer = await cluster.request("PATCH", `/api/v1/nodes/${name}/status`, sent);
  expect(answer).toMatchObject({ status: 200 });
}

/** Adds the identities of containers to the status of a pod, which only a kubelet knows. */
async function reportContainers(
  cluster: TestCluster,
  sandbox: Sandbox,
  { metadata, status }: Answer["body"],
): Promise<void> {
  const initContainerStatuses = status.initContainerStatuses.map((one: { name: string }) => ({
    ...one,
    containerID: `containerd://${one.name}`,
    imageID: "proxyv2@sha256:old",
  }));
  const sent = {
    body: { status: { initContainerStatuses } },
    contentType: "application/merge-patch+json",
  };
  const path = `${sandbox.path("pods", metadata.name)}/status`;
  expect(await cluster.request("PATCH", path, sent)).toMatchObject({ status: 200 });
}
