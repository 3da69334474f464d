import { POD_BEHAVIOUR } from "../support/test-cluster.ts";
import type { Kind, Workload } from "./world.ts";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** The pods of a workload are found by this label, whoever owns them. */
export const APP = "app";

const APPS = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]);

/** Where objects of a kind are created. */
export function pathOf(namespace: string, kind: string): string {
  if (kind === "Pod") return `/api/v1/namespaces/${namespace}/pods`;
  const group = APPS.has(kind) ? "apps" : "batch";
  return `/apis/${group}/v1/namespaces/${namespace}/${kind.toLowerCase()}s`;
}

/** How many pods it asks for; the bed has three nodes. */
export function wantedPods({ kind }: Workload): number {
  return kind === "DaemonSet" ? 3 : kind === "Deployment" || kind === "StatefulSet" ? 2 : 1;
}

/** The template from which pods of a workload come. */
export function podTemplate(name: string, workload: Workload) {
  const { kind, labels, annotations, proxy, hostNetwork } = workload;
  const runsOnce = kind === "Job" || kind === "CronJob";
  // A pod that never turns ready does not complete either: a finished one would run nothing.
  const behaviour = runsOnce ? { [POD_BEHAVIOUR.readyAfter]: "24h" } : {};
  return {
    metadata: {
      labels: { [APP]: name, ...labels },
      annotations: { ...behaviour, ...annotations },
    },
    spec: {
      containers: [
        { name: "app", image: "registry.test/app:1.0" },
        ...(proxy === undefined ? [] : [{ name: "istio-proxy", image: proxy }]),
      ],
      ...(hostNetwork && { hostNetwork }),
      ...(runsOnce && { restartPolicy: "Never" }),
    },
  };
}

/** What the controllers of a kind add to the labels of its pods: selectors may ask for it. */
export const CONTROLLER_LABELS: Readonly<Partial<Record<Kind, Readonly<Record<string, string>>>>> =
  {
    Deployment: { "pod-template-hash": "any" },
    StatefulSet: { "controller-revision-hash": "any", "apps.kubernetes.io/pod-index": "0" },
    DaemonSet: { "controller-revision-hash": "any", "pod-template-generation": "1" },
  };

/** The object to create; of a CronJob the Job is made by hand, see `jobOf`. */
export function manifestOf(name: string, workload: Workload): Manifest {
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
      return object("batch/v1", workload.kind, name, { template });
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
  }
}

/** A run of a CronJob, as `kubectl create job --from` makes it, but owned. */
export function jobOf(cronJob: Manifest, uid: string, workload: Workload): Manifest {
  const { name } = cronJob.metadata;
  const owner = { apiVersion: "batch/v1", kind: "CronJob", name, uid, controller: true };
  const job = object("batch/v1", "Job", `${name}-1`, { template: podTemplate(name, workload) });
  return { ...job, metadata: { ...job.metadata, ownerReferences: [owner] } };
}

function object(apiVersion: string, kind: Kind, name: string, spec: unknown): Manifest {
  return { apiVersion, kind, metadata: { name }, spec };
}
