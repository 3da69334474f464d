import { inject } from "vitest";
import type { BedAddress } from "../testbed/address.ts";
import type { Sandbox } from "../contract/sandbox.ts";
import type { Answer, TestCluster } from "../support/test-cluster.ts";
import type { Manifest, WorkloadOptions } from "../support/manifests.ts";
import { eventually } from "../contract/sandbox.ts";
import { expect } from "vitest";
import type { Behaviour, Role } from "./behaviours.ts";
import { ON_REAL_NODE } from "./node.ts";
import { REVISIONS } from "./revisions.ts";
import { type PullFault, sendCommand } from "./stand-in.ts";

/** The address of the cluster that the test run started. */
export function clusterAddress(): BedAddress {
  const [address] = inject("clusters") ?? [];
  if (address === undefined) throw new Error("Run these tests with `npm run test:kubelet`.");
  return address;
}

/**
 * Installs the revisions with their first images. Each file does it: one file upgrades them, and another
 * removes them at its end.
 */
export async function installRevisions(cluster: TestCluster): Promise<void> {
  for (const revision of Object.values(REVISIONS)) await cluster.installRevision(revision);
}

export function behave(workload: string, role: Role, ...behaviour: Behaviour): Promise<void> {
  return sendCommand(inject("standIn"), { kind: "behaviour", workload, role, behaviour });
}

/** Makes the pulls of an image fail on a node that does not have it yet. */
export function failPulls(image: string, fault: PullFault): Promise<void> {
  return sendCommand(inject("standIn"), { kind: "pull-fault", image, fault });
}

/** The probe of the port that `app` answers by default, with time for a busy machine. */
export const APP_PROBE = {
  httpGet: { path: "/", port: 8080 },
  periodSeconds: 1,
  timeoutSeconds: 10,
};

/** A container that behaves as the test says, with the role of its name. */
export function container(name: Role, more: Manifest = {}): Manifest {
  return { name, image: "registry.test/app:1", command: ["behave", name], ...more };
}

/** The options of a workload with one container `app`, on the real node. */
export function onRealNode(app: Manifest = {}, podSpec: Manifest = {}): WorkloadOptions {
  return {
    annotations: {
      // The machine has not enough CPU for what sidecars request by default.
      "sidecar.istio.io/proxyCPU": "1m",
      "sidecar.istio.io/proxyMemory": "1Mi",
      // The sidecar does not forward the probes of the application.
      "sidecar.istio.io/rewriteAppHTTPProbers": "false",
    },
    podSpec: {
      ...ON_REAL_NODE,
      containers: [container("app", { readinessProbe: APP_PROBE, ...app })],
      ...podSpec,
    },
  };
}

/** Milliseconds until another istiod leads, if the one that did was removed. */
const ELECTION = 120_000;

/** Resolves when pods can start: istiod has written the certificate that their sidecars mount. */
export async function untilUsable(cluster: TestCluster, sandbox: Sandbox): Promise<void> {
  await eventually(async () => {
    const path = sandbox.path("configmaps", "istio-ca-root-cert");
    expect(await cluster.request("GET", path)).toMatchObject({ status: 200 });
  }, ELECTION);
}

export async function eventsOf(
  cluster: TestCluster,
  sandbox: Sandbox,
  pod: string,
): Promise<Answer["body"][]> {
  const query = new URLSearchParams({ fieldSelector: `involvedObject.name=${pod}` });
  const { body } = await cluster.request("GET", `${sandbox.path("events")}?${query.toString()}`);
  return body.items;
}
