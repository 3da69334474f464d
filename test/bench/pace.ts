import { proxyImage } from "../support/build/pod-group.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { deployment } from "../support/manifests.ts";
import { runProgram } from "../support/run-program.ts";

/** The duration of a restart of many workloads, and the time that their pods alone need. */
export interface Pace {
  readonly seconds: number;
  /** The seconds that the pods need, if each workload starts as soon as there is room for it. */
  readonly ideal: number;
  readonly requests: number;
}

const REVISION = "asm-1-27";
const NAMESPACE = "shop";
const WORKLOADS = 40;
const AT_A_TIME = 8;
const READY_AFTER = 8;

export const PACE_TITLE = `restart of ${WORKLOADS} workloads of ${READY_AFTER} s, ${AT_A_TIME} at a time`;

/**
 * Restarts 40 workloads on an embedded cluster, 8 at a time. Each has one pod, which is ready after
 * 8 s.
 */
export async function measurePace(): Promise<Pace> {
  const cluster = await startEmbeddedCluster();
  try {
    await cluster.installRevision({ name: REVISION, image: proxyImage("v1.27.7-1") });
    const labels = { "istio.io/rev": REVISION };
    const body = { kind: "Namespace", metadata: { name: NAMESPACE, labels } };
    await cluster.request("POST", "/api/v1/namespaces", { body });
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
    const annotations = { "test.istio-upgrade/ready-after": `${READY_AFTER}s` };
    for (let number = 1; number <= WORKLOADS; number += 1) {
      await cluster.request("POST", path, { body: deployment(`web-${number}`, { annotations }) });
    }
    await untilAvailable();
    await cluster.moveImage(REVISION, proxyImage("v1.27.9-6"));
    const before = cluster.requests.length;
    const args = ["restart", "-n", NAMESPACE, "--yes", "--max-parallel", String(AT_A_TIME)];
    const start = performance.now();
    const ran = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
    if (ran.status !== 0) throw new Error(`the restart ended with ${ran.status}: ${ran.stderr}`);
    return {
      seconds: (performance.now() - start) / 1000,
      ideal: (WORKLOADS / AT_A_TIME) * READY_AFTER,
      requests: cluster.requests.slice(before).filter(({ user }) => user === "admin").length,
    };

    async function untilAvailable(): Promise<void> {
      for (;;) {
        const { body: list } = await cluster.request("GET", path);
        const items: readonly { readonly status?: { readonly availableReplicas?: number } }[] =
          list.items;
        if (items.every(({ status }) => status?.availableReplicas === 1)) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    await cluster.stop();
  }
}
