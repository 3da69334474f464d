// oxlint-disable-next-line typescript/no-explicit-any -- one server for objects of every shape
export type KubeObject = Record<string, any>;

/**
 * A kind that the embedded API server serves. All kinds except the custom ones have version `v1`.
 */
export interface Kind {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
}

/** The newer of the two groups that serve events. */
export const EVENTS_GROUP = "events.k8s.io";

export const KINDS: readonly Kind[] = [
  ["", "namespaces", "Namespace"],
  ["", "configmaps", "ConfigMap"],
  ["", "events", "Event"],
  ["", "nodes", "Node"],
  ["", "persistentvolumeclaims", "PersistentVolumeClaim"],
  ["", "pods", "Pod"],
  ["", "resourcequotas", "ResourceQuota"],
  ["", "replicationcontrollers", "ReplicationController"],
  ["", "services", "Service"],
  ["admissionregistration.k8s.io", "mutatingadmissionpolicies", "MutatingAdmissionPolicy"],
  [
    "admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings",
    "MutatingAdmissionPolicyBinding",
  ],
  ["admissionregistration.k8s.io", "validatingadmissionpolicies", "ValidatingAdmissionPolicy"],
  [
    "admissionregistration.k8s.io",
    "validatingadmissionpolicybindings",
    "ValidatingAdmissionPolicyBinding",
  ],
  ["apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"],
  ["admissionregistration.k8s.io", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"],
  ["apps", "controllerrevisions", "ControllerRevision"],
  ["apps", "daemonsets", "DaemonSet"],
  ["apps", "deployments", "Deployment"],
  ["apps", "replicasets", "ReplicaSet"],
  ["apps", "statefulsets", "StatefulSet"],
  ["authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"],
  ["authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"],
  ["argoproj.io", "rollouts", "Rollout"],
  ["batch", "cronjobs", "CronJob"],
  ["batch", "jobs", "Job"],
  ["coordination.k8s.io", "leases", "Lease"],
  ["networking.istio.io", "proxyconfigs", "ProxyConfig"],
  ["policy", "poddisruptionbudgets", "PodDisruptionBudget"],
  ["discovery.k8s.io", "endpointslices", "EndpointSlice"],
  // The same objects as those of the core group, in another form.
  [EVENTS_GROUP, "events", "Event"],
].map(([group = "", resource = "", kind = ""]) => ({ group, resource, kind }));

export function findKind(group: string, resource: string): Kind | undefined {
  return KINDS.find((kind) => kind.group === group && kind.resource === resource);
}

/** The group of Argo Rollouts. */
export const ARGO = "argoproj.io";

/**
 * True for a group of Kubernetes itself: `apps`, or one word before `.k8s.io`. Custom resources
 * must be installed first; until then the real API server does not know their paths.
 */
export function isBuiltIn(group: string): boolean {
  return /^[a-z]*(\.k8s\.io)?$/.test(group);
}

export function kindNamed(name: string): Kind {
  const found = KINDS.find(({ kind }) => kind === name);
  if (found === undefined) throw new Error(`no kind ${name}`);
  return found;
}

/** True for every kind except Namespaces, nodes, webhook configurations and reviews. */
export function isNamespaced({ group, kind }: Kind): boolean {
  return kind !== "Namespace" && kind !== "Node" && !/^(admission|auth|apiext)/.test(group);
}

export function apiVersion(kind: Kind): string {
  return kind.group === "" ? "v1" : `${kind.group}/${versionOf(kind)}`;
}

export function versionOf({ group }: Pick<Kind, "group">): string {
  if (group === "networking.istio.io") return "v1beta1";
  return group === ARGO ? "v1alpha1" : "v1";
}
