import { type KubeObject, kindNamed } from "./kinds.ts";
import { Refusal, forbidden, rejectedByPolicy } from "./refusal.ts";
import type { Store } from "./store.ts";

/**
 * Checks a new pod as the real API server does, in the same order and with the same messages:
 * webhooks without a Service, PodSecurity, quotas. The injector's webhook is the only one that is
 * called.
 *
 * @throws Refusal
 */
export function admit(store: Store, pod: KubeObject): void {
  const { namespace, name } = pod.metadata;
  const home = store.get("Namespace", undefined, namespace);
  const gone = store
    .list("MutatingWebhookConfiguration")
    .flatMap(({ webhooks = [] }) =>
      webhooks.filter((webhook: KubeObject) => isGone(store, webhook) && selects(webhook, home)),
    )[0];
  if (gone) throw unanswered(gone);
  const level = home?.metadata.labels["pod-security.kubernetes.io/enforce"];
  if (level === "restricted") {
    throw forbidden('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false')(
      kindNamed("Pod"),
      name,
    );
  }
  for (const { metadata, spec } of store.list("ResourceQuota", namespace)) {
    const limit = Number(spec.hard.pods ?? Infinity);
    const used = podsOf(store, namespace);
    if (used < limit) continue;
    const counts = `requested: pods=1, used: pods=${used}, limited: pods=${limit}`;
    throw forbidden(`exceeded quota: ${metadata.name}, ${counts}`)(kindNamed("Pod"), name);
  }
}

/**
 * Checks a change to a workload against the ValidatingAdmissionPolicies that select its namespace.
 * Policies are not evaluated: each rejects every change to the resources that it names.
 *
 * @throws Refusal
 */
export function admitChange(store: Store, { kind, metadata }: KubeObject): void {
  const { resource } = kindNamed(kind);
  const home = store.get("Namespace", undefined, metadata.namespace);
  const policy = store
    .list("ValidatingAdmissionPolicy")
    .find(
      ({ spec: { matchConstraints } }) =>
        matchConstraints.resourceRules.some((rule: KubeObject) =>
          rule["resources"].includes(resource),
        ) && selects(matchConstraints, home),
    );
  if (policy === undefined) return;
  const { name } = policy.metadata;
  throw rejectedByPolicy(
    `ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: ${policy.spec.validations[0].message}`,
  )(kindNamed(kind), metadata.name);
}

/** The annotation of a MutatingAdmissionPolicy that has the registry which the policy sets. */
const REGISTRY = "test.istio-upgrade/registry";

/**
 * Returns the pod after the policies that select its namespace. Policies are not evaluated: an annotation
 * says what they do, which is to move the sidecar's image to a registry.
 */
export function rewritten(store: Store, pod: KubeObject): KubeObject {
  const home = store.get("Namespace", undefined, pod.metadata.namespace);
  const registry = store
    .list("MutatingAdmissionPolicy")
    .filter(({ spec }) => selects(spec.matchConstraints, home))
    .map(({ metadata }) => metadata.annotations[REGISTRY])[0];
  if (registry === undefined) return pod;
  const moved = (container: KubeObject) =>
    container["name"] === "istio-proxy"
      ? { ...container, image: `${registry}/${container["image"].split("/").slice(1).join("/")}` }
      : container;
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map(moved) } };
}

/** Returns a quota with the status that a controller would keep in a real cluster. */
export function withQuotaStatus(store: Store, quota: KubeObject): KubeObject {
  const used = { pods: String(podsOf(store, quota["metadata"].namespace)) };
  return { ...quota, status: { hard: quota["spec"].hard, used } };
}

function podsOf(store: Store, namespace: string): number {
  return store.list("Pod", namespace).length;
}

function isGone(store: Store, { clientConfig: { service }, failurePolicy }: KubeObject): boolean {
  return failurePolicy !== "Ignore" && !store.get("Service", service.namespace, service.name);
}

/** True if the webhook selects the namespace. Webhooks without a Service select by labels only. */
function selects({ namespaceSelector }: KubeObject, home: KubeObject | undefined): boolean {
  return Object.entries(namespaceSelector?.matchLabels ?? {}).every(
    ([key, value]) => home?.metadata.labels[key] === value,
  );
}

function unanswered({ name, clientConfig: { service } }: KubeObject): Refusal {
  const { namespace, name: host, path = "/" } = service;
  const url = `https://${host}.${namespace}.svc:443${path}?timeout=10s`;
  return new Refusal(
    500,
    "InternalError",
    `Internal error occurred: failed calling webhook "${name}": failed to call webhook: Post "${url}": service "${host}" not found`,
  );
}
