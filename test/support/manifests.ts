/** Kubernetes objects as plain JSON, with only the fields that a real API server requires. */

export interface WorkloadOptions {
  readonly replicas?: number;
  /** In the pod template. */
  readonly labels?: Readonly<Record<string, string>>;
  /** In the pod template. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Additional fields of the workload's `spec`: strategies, deadlines, `paused`. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** Additional fields of the pod's `spec`. */
  readonly podSpec?: Readonly<Record<string, unknown>>;
}

export type Manifest = Readonly<Record<string, unknown>>;

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Manifest {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

export function configMap(name: string, data: Readonly<Record<string, string>> = {}): Manifest {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

export function pod(name: string, options: WorkloadOptions = {}): Manifest {
  const { metadata, spec } = podTemplate(name, options);
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name }, spec };
}

export function deployment(name: string, options: WorkloadOptions = {}): Manifest {
  return workload("Deployment", name, options, { replicas: options.replicas ?? 1 });
}

export function statefulSet(name: string, options: WorkloadOptions = {}): Manifest {
  return workload("StatefulSet", name, options, {
    replicas: options.replicas ?? 1,
    serviceName: name,
  });
}

export function daemonSet(name: string, options: WorkloadOptions = {}): Manifest {
  return workload("DaemonSet", name, options, {});
}

export function job(name: string, options: WorkloadOptions = {}): Manifest {
  const { metadata, spec } = podTemplate(name, options);
  const template = { metadata, spec: { restartPolicy: "Never", ...spec } };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: { template, ...options.spec },
  };
}

/** A `Rollout` of Argo Rollouts. With `workloadRef` in its spec it needs no template. */
export function argoRollout(name: string, options: WorkloadOptions = {}): Manifest {
  const { spec, ...rest } = workload("Rollout", name, options, {
    replicas: options.replicas ?? 1,
    strategy: { canary: {} },
  });
  return { ...rest, apiVersion: "argoproj.io/v1alpha1", spec };
}

function workload(kind: string, name: string, options: WorkloadOptions, more: Manifest): Manifest {
  const selector = { matchLabels: { app: name } };
  const template = podTemplate(name, options);
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name },
    spec: { selector, template, ...more, ...options.spec },
  };
}

function podTemplate(name: string, { labels, annotations, podSpec }: WorkloadOptions) {
  return {
    metadata: { labels: { app: name, ...labels }, ...(annotations && { annotations }) },
    spec: { containers: [{ name: "app", image: "registry.test/app:1.0" }], ...podSpec },
  };
}
