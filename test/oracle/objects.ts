import { POD_BEHAVIOUR } from "../support/test-cluster.ts";
import { isIdle, isInjectedByHand, isLabelledByAks, type Kind, type Workload } from "./world.ts";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** The label that identifies the pods of a workload, regardless of their owner. */
export const APP = "app";

const APPS = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]);

/** The API path to create objects of a kind. */
export function pathOf(namespace: string, kind: string): string {
  if (kind === "Pod") return `/api/v1/namespaces/${namespace}/pods`;
  const { apiVersion, resource } = customKind(kind) ?? {};
  if (resource !== undefined) return `/apis/${apiVersion}/namespaces/${namespace}/${resource}`;
  const group = APPS.has(kind) ? "apps" : "batch";
  return `/apis/${group}/v1/namespaces/${namespace}/${kind.toLowerCase()}s`;
}

/** The number of pods that a workload has. The test cluster has three nodes. */
export function wantedPods(workload: Workload): number {
  const { kind } = workload;
  if (isIdle(workload)) return 0;
  return kind === "DaemonSet" ? 3 : kind === "Deployment" || kind === "StatefulSet" ? 2 : 1;
}

/** The pod template of a workload. */
export function podTemplate(name: string, workload: Workload) {
  const { kind, labels, annotations, proxy, hostNetwork } = workload;
  const runsOnce = kind === "Job" || kind === "CronJob";
  // A pod that never becomes ready does not complete either. A completed pod has no verdict.
  const behaviour = runsOnce ? { [POD_BEHAVIOUR.readyAfter]: "24h" } : {};
  const byHand = isInjectedByHand(workload);
  const image = byHand ? BY_HAND.image : proxy;
  return {
    metadata: {
      labels: { [APP]: name, ...labels },
      annotations: { ...behaviour, ...annotations, ...(byHand && BY_HAND.annotations) },
    },
    spec: {
      containers: [
        { name: "app", image: "registry.test/app:1.0" },
        ...(image === undefined
          ? []
          : [{ name: "istio-proxy", image, ...(byHand && { args: ["proxy", "sidecar"] }) }]),
      ],
      ...(byHand && { initContainers: [{ name: "istio-init", image: BY_HAND.image }] }),
      ...(hostNetwork && { hostNetwork }),
      ...(runsOnce && { restartPolicy: "Never" }),
    },
  };
}

/** The part of a sidecar by `istioctl kube-inject` that decides the outcome. */
export const BY_HAND = {
  image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1",
  revision: "asm-1-27",
  annotations: {
    "istio.io/rev": "asm-1-27",
    "sidecar.istio.io/status": JSON.stringify({
      initContainers: ["istio-init"],
      containers: ["istio-proxy"],
      revision: "asm-1-27",
    }),
  },
} as const;

/** The labels that a kind's controller adds to its pods. Selectors may require them. */
export const CONTROLLER_LABELS: Readonly<Partial<Record<Kind, Readonly<Record<string, string>>>>> =
  {
    Deployment: { "pod-template-hash": "any" },
    StatefulSet: { "controller-revision-hash": "any", "apps.kubernetes.io/pod-index": "0" },
    DaemonSet: { "controller-revision-hash": "any", "pod-template-generation": "1" },
  };

/** The label of the workloads that `check --selector` selects. */
export const SELECTED = { key: "oracle.test/team", value: "pay" } as const;

/**
 * The manifest of a workload. A CronJob is suspended, and `jobOf` creates its Job. A custom kind has
 * no controller, and `podOf` creates its pod.
 */
export function manifestOf(name: string, workload: Workload): Manifest {
  const manifest = unlabelledManifest(name, workload);
  const labels = {
    ...(manifest.metadata["labels"] as Readonly<Record<string, string>> | undefined),
    ...(isLabelledByAks(workload) && { "kubernetes.azure.com/managedby": "aks" }),
    ...(workload.selected && { [SELECTED.key]: SELECTED.value }),
  };
  return { ...manifest, metadata: { ...manifest.metadata, labels } };
}

/** The API of a custom kind, such as `StatefulSet.apps.worlds.example`; `undefined` for other kinds. */
export function customKind(name: string) {
  const [kind = "", ...group] = name.split(".");
  if (group.length === 0) return undefined;
  const apiVersion = `${group.join(".")}/v1beta1`;
  return { kind, apiVersion, resource: `${kind.toLowerCase()}s` } as const;
}

function unlabelledManifest(name: string, workload: Workload): Manifest {
  const template = podTemplate(name, workload);
  const selector = { matchLabels: { [APP]: name } };
  const replicas = wantedPods(workload);
  switch (workload.kind) {
    case "Deployment":
    case "ReplicaSet":
      return object("apps/v1", workload.kind, name, { replicas, selector, template });
    case "StatefulSet":
      return object("apps/v1", workload.kind, name, {
        replicas,
        selector,
        template,
        serviceName: name,
        podManagementPolicy: "Parallel",
      });
    case "DaemonSet":
      return object("apps/v1", workload.kind, name, { selector, template });
    case "Job":
      return object("batch/v1", workload.kind, name, { template, suspend: isIdle(workload) });
    case "CronJob":
      return object("batch/v1", workload.kind, name, {
        schedule: "0 0 1 1 *",
        suspend: true,
        jobTemplate: { spec: { template } },
      });
    case "Pod":
      return {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...template.metadata, name },
        spec: template.spec,
      };
    case "StatefulSet.apps.worlds.example":
    case "DaemonSet.apps.worlds.example": {
      const { kind, apiVersion } = customKind(workload.kind) ?? { kind: "", apiVersion: "" };
      return { apiVersion, kind, metadata: { name } };
    }
  }
}

/** The pod of a custom kind, as its controller would create it. */
export function podOf(
  { apiVersion, kind, metadata: { name } }: Manifest,
  uid: string,
  workload: Workload,
): Manifest {
  const { metadata, spec } = podTemplate(name, workload);
  const ownerReferences = [{ apiVersion, kind, name, uid, controller: true }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name: `${name}-0`, ownerReferences },
    spec,
  };
}

/** The Job of a CronJob, as `kubectl create job --from` creates it, but with an owner. */
export function jobOf(cronJob: Manifest, uid: string, workload: Workload): Manifest {
  const { name } = cronJob.metadata;
  const owner = { apiVersion: "batch/v1", kind: "CronJob", name, uid, controller: true };
  const job = object("batch/v1", "Job", `${name}-1`, { template: podTemplate(name, workload) });
  return { ...job, metadata: { ...job.metadata, ownerReferences: [owner] } };
}

function object(apiVersion: string, kind: Kind, name: string, spec: unknown): Manifest {
  return { apiVersion, kind, metadata: { name }, spec };
}
