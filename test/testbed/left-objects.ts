import type { Answer } from "../support/test-cluster.ts";
import { FAKE_NODE, NODES } from "./nodes.ts";
import type { RealCluster } from "./real-cluster.ts";

const NODES_PATH = "/api/v1/nodes";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

/** Kinds of objects without a namespace that tests create. */
const KINDS = [
  NODES_PATH,
  "/api/v1/persistentvolumes",
  "/apis/scheduling.k8s.io/v1/priorityclasses",
  `${ADMISSION}/mutatingwebhookconfigurations`,
  `${ADMISSION}/validatingwebhookconfigurations`,
  `${ADMISSION}/validatingadmissionpolicybindings`,
  `${ADMISSION}/validatingadmissionpolicies`,
];

const OF_BED = new Set([
  ...NODES.map(({ metadata }) => metadata.name),
  "system-cluster-critical",
  "system-node-critical",
]);

/**
 * Deletes the objects without a namespace that a test file has left: a test may count the nodes, or create
 * pods that the webhook of another would reject. Objects with the label of a revision, types, and the node of
 * a real kubelet stay.
 */
export async function deleteLeftObjects(cluster: RealCluster): Promise<void> {
  for (const path of KINDS) {
    const { body } = await cluster.request("GET", `${path}?labelSelector=!istio.io%2Frev`);
    for (const { metadata } of body.items as Answer["body"][]) {
      const isReal = path === NODES_PATH && metadata.annotations?.[FAKE_NODE] === undefined;
      if (isReal || OF_BED.has(metadata.name)) continue;
      if (path === NODES_PATH) await endPodsOf(cluster, metadata.name);
      await cluster.request("DELETE", `${path}/${metadata.name}`);
    }
  }
}

/** Deletes the pods of a node at once, because nobody would end them without it. */
async function endPodsOf(cluster: RealCluster, node: string): Promise<void> {
  const path = `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`;
  const { body } = await cluster.request("GET", path);
  for (const { metadata } of body.items as Answer["body"][]) {
    const pod = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
    await cluster.request("DELETE", `${pod}?gracePeriodSeconds=0`);
  }
}
