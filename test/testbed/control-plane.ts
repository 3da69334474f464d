import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { connectApi, type Api } from "./api.ts";
import { startApiServer, type ApiServer } from "./apiserver.ts";
import { waitUntil } from "./child.ts";
import { startControllerManager, startScheduler } from "./controllers.ts";
import { startEtcd } from "./etcd.ts";
import { ISTIO_NAMESPACE } from "./manifest.ts";
import { NODES, startKwok } from "./nodes.ts";
import { applyObjects } from "./objects.ts";
import { freePorts } from "./ports.ts";
import type { Programs } from "./programs.ts";

/**
 * Starts Kubernetes in `folder` and resolves once it can run pods: the nodes are ready, and the
 * Istio namespace has its service account.
 */
export async function startControlPlane(
  folder: string,
  programs: Programs,
  webhookSocket: string,
): Promise<{ readonly apiServer: ApiServer; readonly api: Api }> {
  const [etcd = 0, peer = 0, server = 0, controllers = 0, scheduler = 0, kwok = 0] =
    await freePorts(6);
  await mkdir(join(folder, "apiserver"), { recursive: true });
  startEtcd(folder, programs.etcd, [etcd, peer]);
  const ports = { api: server, etcd };
  const apiServer = await startApiServer(folder, programs["kube-apiserver"], ports, webhookSocket);
  const [manager] = await Promise.all([
    startControllerManager(folder, programs["kube-controller-manager"], apiServer, controllers),
    startScheduler(folder, programs["kube-scheduler"], apiServer, scheduler),
    startKwok(folder, programs.kwok, apiServer, kwok),
  ]);
  const { identities, ca } = apiServer;
  const api = connectApi(apiServer.server, ca, identities.bed, "istio-upgrade-testbed");
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: ISTIO_NAMESPACE } };
  await applyObjects(api, [namespace, ...NODES]);
  await waitUntil("controllers and nodes", () => areReady(api), manager);
  return { apiServer, api };
}

async function areReady(api: Api): Promise<boolean> {
  const accounts = ["default", ISTIO_NAMESPACE].map((namespace) =>
    api.request("GET", `/api/v1/namespaces/${namespace}/serviceaccounts/default`),
  );
  if ((await Promise.all(accounts)).some(({ status }) => status !== 200)) return false;
  const { body } = await api.request("GET", "/api/v1/nodes");
  return body.items.every(isReadyNode);
}

function isReadyNode(node: {
  readonly spec: { readonly taints?: readonly unknown[] };
  readonly status: { readonly conditions?: readonly { type: string; status: string }[] };
}): boolean {
  const ready = node.status.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" && (node.spec.taints ?? []).length === 0;
}
