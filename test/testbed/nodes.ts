import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { ApiServer } from "./apiserver.ts";
import { startChild, type Child } from "./child.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import type { KubernetesObject } from "./objects.ts";
import { STAGES } from "./stages.ts";

/** The annotation of a node that kwok simulates. */
export const FAKE_NODE = "kwok.x-k8s.io/node";

/** Starts kwok, which simulates the nodes and takes pods through the stages of `stages.ts`. */
export async function startKwok(
  folder: string,
  program: string,
  { server, ca, identities }: ApiServer,
  port: number,
): Promise<Child> {
  const kubeconfig = join(folder, "kwok.kubeconfig");
  await writeKubeconfig(kubeconfig, server, ca, identities.kwok);
  const config = join(folder, "stages.yaml");
  await writeFile(config, STAGES.map((stage) => stringify(stage)).join("---\n"));
  return startChild(folder, "kwok", program, [
    `--kubeconfig=${kubeconfig}`,
    `--config=${config}`,
    // A real kubelet manages its own node.
    "--manage-all-nodes=false",
    `--manage-nodes-with-annotation-selector=${FAKE_NODE}=fake`,
    "--node-lease-duration-seconds=40",
    "--cidr=10.244.0.1/16",
    `--server-address=127.0.0.1:${port}`,
  ]);
}

export const NODES: readonly KubernetesObject[] = [0, 1, 2].map((index) => {
  const name = `aks-nodepool1-${index}`;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      annotations: { [FAKE_NODE]: "fake" },
      labels: {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
      },
    },
  };
});
