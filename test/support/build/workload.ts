import type {
  ArgoRollout,
  DaemonSetRollout,
  DeploymentRollout,
  Labels,
  OwnProxy,
  PodGroup,
  PodTemplate,
  Rollout,
  StatefulSetRollout,
  Workload,
} from "../../../src/snapshot.ts";

export interface TemplateOptions {
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly hostNetwork?: boolean;
  readonly windows?: boolean;
  /** The container `istio-proxy` of the template itself. */
  readonly proxy?: Partial<OwnProxy> & Pick<OwnProxy, "image">;
  readonly probed?: boolean;
}

export function podTemplate(options: TemplateOptions = {}): PodTemplate {
  const {
    labels = {},
    annotations = {},
    hostNetwork = false,
    windows = false,
    proxy,
    probed = true,
  } = options;
  return {
    labels,
    annotations,
    hostNetwork,
    windows,
    proxy: proxy && { args: [], confined: false, ...proxy },
    probed,
  };
}

export interface WorkloadOptions {
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  /** The template, or `null` if it could not be read. */
  readonly template?: TemplateOptions | null;
  readonly pods?: readonly PodGroup[];
  readonly terminating?: number;
  /** The terminating pods by sidecar, if a test needs that. */
  readonly terminatingPods?: readonly PodGroup[];
}

/** The labels and the template of a gateway that AKS installs. */
export const AKS_GATEWAY: WorkloadOptions = {
  namespace: "aks-istio-ingress",
  labels: {
    "azureservicemesh/istio.component": "ingress-gateway",
    "kubernetes.azure.com/managedby": "aks",
  },
  template: {
    annotations: { "inject.istio.io/templates": "gateway" },
    proxy: { image: "auto", args: ["proxy", "router"] },
  },
};

/** Returns a Deployment, by default fully rolled out: all its pods are updated and available. */
export function deployment(
  name: string,
  options: WorkloadOptions & { readonly rollout?: Partial<DeploymentRollout> } = {},
): Workload {
  return workload("Deployment", name, options, deploymentRollout(count(options), options.rollout));
}

export function statefulSet(
  name: string,
  options: WorkloadOptions & { readonly rollout?: Partial<StatefulSetRollout> } = {},
): Workload {
  return workload(
    "StatefulSet",
    name,
    options,
    statefulSetRollout(count(options), options.rollout),
  );
}

export function daemonSet(
  name: string,
  options: WorkloadOptions & { readonly rollout?: Partial<DaemonSetRollout> } = {},
): Workload {
  return workload("DaemonSet", name, options, daemonSetRollout(count(options), options.rollout));
}

/** Returns a `Rollout` of Argo Rollouts. */
export function argoRollout(
  name: string,
  options: WorkloadOptions & { readonly rollout?: Partial<ArgoRollout> } = {},
): Workload {
  return workload("Rollout", name, options, argoRolloutFacts(count(options), options.rollout));
}

/** Returns a workload without a rollout: a bare pod, a Job, or a custom kind. */
export function otherWorkload(kind: string, name: string, options: WorkloadOptions = {}): Workload {
  if (["Deployment", "StatefulSet", "DaemonSet", "Rollout"].includes(kind)) {
    throw new Error(`a ${kind} has a rollout`);
  }
  const terminating = options.terminating ?? count({ pods: options.terminatingPods ?? [] });
  if (kind === "Pod" && count(options) + terminating !== 1) {
    throw new Error("a bare pod has exactly one pod");
  }
  return workload(kind, name, options, undefined);
}

const SEEN = {
  generation: 3,
  observedGeneration: 3,
  resourceVersion: "4711",
  selector: { matchLabels: { app: "web" } },
} as const;

export function deploymentRollout(
  replicas: number,
  overrides: Partial<DeploymentRollout> = {},
): DeploymentRollout {
  const rollout: DeploymentRollout = {
    ...SEEN,
    kind: "Deployment",
    replicas,
    paused: false,
    strategy: "RollingUpdate",
    surge: Math.ceil(replicas / 4),
    unavailable: Math.floor(replicas / 4),
    minReadySeconds: 0,
    status: { replicas, updated: replicas, available: replicas },
    conditions: [],
    ...overrides,
  };
  const { status } = rollout;
  if (status.updated > status.replicas || status.available > status.replicas) {
    throw new Error("a Deployment cannot have more updated or available pods than pods");
  }
  return checked(rollout);
}

export function statefulSetRollout(
  replicas: number,
  overrides: Partial<StatefulSetRollout> = {},
): StatefulSetRollout {
  const rollout: StatefulSetRollout = {
    ...SEEN,
    kind: "StatefulSet",
    replicas,
    strategy: "RollingUpdate",
    ordered: true,
    partition: 0,
    firstOrdinal: 0,
    growing: false,
    surge: 0,
    unavailable: 1,
    minReadySeconds: 0,
    status: { ready: replicas, updated: replicas },
    ...overrides,
  };
  if (rollout.partition < 0) throw new Error("the API server rejects a negative partition");
  return checked(rollout);
}

export function daemonSetRollout(
  desired: number,
  overrides: Partial<DaemonSetRollout> = {},
): DaemonSetRollout {
  return checked({
    ...SEEN,
    kind: "DaemonSet",
    strategy: "RollingUpdate",
    surge: 0,
    unavailable: 1,
    minReadySeconds: 0,
    status: { desired, updated: desired, available: desired },
    ...overrides,
  });
}

export function argoRolloutFacts(
  replicas: number,
  overrides: Partial<ArgoRollout> = {},
): ArgoRollout {
  return checked({
    ...SEEN,
    kind: "Rollout",
    replicas,
    strategy: "Evict",
    surge: 0,
    unavailable: 1,
    minReadySeconds: 0,
    restartAt: undefined,
    restarting: false,
    phase: "Healthy",
    message: "",
    status: { replicas, updated: replicas, available: replicas },
    conditions: [],
    ...overrides,
  });
}

function checked<Kind extends Rollout>(rollout: Kind): Kind {
  if (rollout.observedGeneration > rollout.generation) {
    throw new Error("the observed generation cannot be newer than the generation");
  }
  return rollout;
}

function workload(
  kind: string,
  name: string,
  options: WorkloadOptions,
  rollout: Rollout | undefined,
): Workload {
  const { namespace = "shop", labels = {}, annotations = {}, template = {} } = options;
  const { pods = [], terminatingPods = [] } = options;
  const keys = pods.map(({ image, revision, native, reported }) =>
    JSON.stringify([image, revision, native, reported]),
  );
  if (new Set(keys).size < keys.length)
    throw new Error("pods with the same sidecar must be one group");
  return {
    namespace,
    kind,
    name,
    uid: `${namespace}-${kind.toLowerCase()}-${name}`,
    labels,
    annotations,
    template: template === null ? undefined : podTemplate(template),
    rollout,
    pods,
    terminating: options.terminating ?? count({ pods: terminatingPods }),
    terminatingPods,
  };
}

function count({ pods = [] }: WorkloadOptions): number {
  return pods.reduce((sum, group) => sum + group.pods, 0);
}
