import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { ApiServer } from "./apiserver.ts";
import { startChild, type Child } from "./child.ts";
import { writeKubeconfig } from "./kubeconfig.ts";

/**
 * Starts the controllers of Deployments, ReplicaSets, Jobs, service accounts, endpoints and all
 * other built-in resources.
 */
export async function startControllerManager(
  folder: string,
  program: string,
  apiServer: ApiServer,
  port: number,
): Promise<Child> {
  const { server, ca, caFile, identities, serviceAccountKey } = apiServer;
  const kubeconfig = join(folder, "controller-manager.kubeconfig");
  await writeKubeconfig(kubeconfig, server, ca, identities["controller-manager"]);
  return startChild(folder, "kube-controller-manager", program, [
    `--kubeconfig=${kubeconfig}`,
    `--root-ca-file=${caFile}`,
    `--service-account-private-key-file=${serviceAccountKey}`,
    "--leader-elect=false",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--cert-dir=${join(folder, "controller-manager")}`,
  ]);
}

export async function startScheduler(
  folder: string,
  program: string,
  { server, ca, identities }: ApiServer,
  port: number,
): Promise<Child> {
  const kubeconfig = join(folder, "scheduler.kubeconfig");
  await writeKubeconfig(kubeconfig, server, ca, identities.scheduler);
  const config = join(folder, "scheduler.yaml");
  await writeFile(
    config,
    stringify({
      apiVersion: "kubescheduler.config.k8s.io/v1",
      kind: "KubeSchedulerConfiguration",
      clientConnection: { kubeconfig, qps: 500, burst: 1000 },
      leaderElection: { leaderElect: false },
    }),
  );
  return startChild(folder, "kube-scheduler", program, [
    `--config=${config}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--cert-dir=${join(folder, "scheduler")}`,
  ]);
}
