import type { Answer } from "../support/test-cluster.ts";
import { NODES } from "./nodes.ts";
import type { RealCluster } from "./real-cluster.ts";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

/** The kinds of objects without a namespace that tests create, and the names of those that every bed has. */
const KINDS: readonly (readonly [path: string, kept: readonly string[]])[] = [
  ["/api/v1/nodes", NODES.map(({ metadata }) => metadata.name)],
  ["/api/v1/persistentvolumes", []],
  [
    "/apis/scheduling.k8s.io/v1/priorityclasses",
    ["system-cluster-critical", "system-node-critical"],
  ],
  [`${ADMISSION}/mutatingwebhookconfigurations`, []],
  [`${ADMISSION}/validatingwebhookconfigurations`, []],
  [`${ADMISSION}/validatingadmissionpolicybindings`, []],
  [`${ADMISSION}/validatingadmissionpolicies`, []],
];

/**
 * Deletes the objects without a namespace that a test file has left: a test may count the nodes, or create
 * pods that the webhook of another would reject. Objects with the label of a revision, and types, stay.
 */
export async function deleteLeftObjects(cluster: RealCluster): Promise<void> {
  for (const [path, kept] of KINDS) {
    for (const name of await namesOf(cluster, `${path}?labelSelector=!istio.io%2Frev`)) {
      if (kept.includes(name)) continue;
      if (path === "/api/v1/nodes") await endPodsOf(cluster, name);
      await cluster.request("DELETE", `${path}/${name}`);
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

async function namesOf(cluster: RealCluster, path: string): Promise<readonly string[]> {
  const { body } = await cluster.request("GET", path);
  return body.items.map(({ metadata }: Answer["body"]) => metadata.name as string);
}
