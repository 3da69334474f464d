import type { PodGroup, PodTemplate, PodTrouble } from "../snapshot.ts";
import type { ApiOwnerReference, ApiPod, ApiContainerStatus } from "./api-objects.ts";
import { addGroup } from "./pod-group.ts";
import { findProxy, templateRecord } from "./records.ts";

/** The pods of one direct owner, folded: nothing of a page is kept but this. */
export interface Tally {
  readonly namespace: string;
  /** The controller, or the pod itself where it has none. */
  readonly owner: Owner;
  readonly groups: PodGroup[];
  terminating: number;
  readonly terminatingGroups: PodGroup[];
  /** The template as one pod shows it, where the owner's own is not listed. */
  readonly sample: PodTemplate | undefined;
  /** Labels and annotations of a bare pod. */
  readonly metadata: Pick<PodTemplate, "labels" | "annotations">;
}

export interface Owner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Adds pods to the tallies of their owners, by the owner's uid. */
export function tallyPods(tallies: Map<string, Tally>, pods: Iterable<ApiPod>): void {
  for (const pod of pods) {
    // Finished pods run nothing.
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") continue;
    const owner = ownerOf(pod);
    let tally = tallies.get(owner.uid);
    if (tally === undefined) {
      tally = newTally(owner, pod);
      tallies.set(owner.uid, tally);
    }
    if (pod.metadata?.deletionTimestamp !== undefined) {
      tally.terminating += 1;
      addGroup(tally.terminatingGroups, groupOf(pod));
      continue;
    }
    addGroup(tally.groups, groupOf(pod));
  }
}

export function controllerOf(
  references: readonly ApiOwnerReference[] | undefined,
): Owner | undefined {
  const found = references?.find(({ controller }) => controller === true);
  if (found === undefined) return undefined;
  const { kind = "", name = "", uid = "" } = found;
  return { kind, name, uid };
}

function ownerOf({ metadata }: ApiPod): Owner {
  return (
    controllerOf(metadata?.ownerReferences) ?? {
      kind: "Pod",
      name: metadata?.name ?? "",
      uid: metadata?.uid ?? "",
    }
  );
}

const NO_METADATA = { labels: {}, annotations: {} };

function newTally(owner: Owner, pod: ApiPod): Tally {
  const { labels = {}, annotations = {}, namespace = "" } = pod.metadata ?? {};
  // Pods that a Deployment, StatefulSet or DaemonSet made carry a hash of its template.
  const listed = "pod-template-hash" in labels || "controller-revision-hash" in labels;
  return {
    namespace,
    owner,
    groups: [],
    terminating: 0,
    terminatingGroups: [],
    sample: listed ? undefined : templateOfPod(pod),
    metadata: owner.kind === "Pod" ? { labels, annotations } : NO_METADATA,
  };
}

/** What one pod says of itself. */
export function groupOf(pod: ApiPod): PodGroup {
  const name = pod.metadata?.name ?? "";
  const annotations = pod.metadata?.annotations ?? {};
  // A container of that name is not Istio's where nothing says so: a template may have its own.
  const isIstio = INJECTED in annotations || REVISION in annotations;
  const inContainers = isIstio ? findProxy(pod.spec?.containers ?? []) : undefined;
  const inInit = isIstio ? findProxy(pod.spec?.initContainers ?? []) : undefined;
  const proxy = inContainers ?? inInit;
  const ready = (pod.status?.conditions ?? []).some(
    ({ type, status }) => type === "Ready" && status === "True",
  );
  return {
    image: proxy?.image,
    revision: proxy && revisionOf(annotations),
    native: proxy !== undefined && inContainers === undefined,
    pods: 1,
    ready: ready ? 1 : 0,
    podNames: [name],
    trouble: troubleOf(pod),
  };
}

/**
 * The revision that injected a pod: the annotation `istio.io/rev` (since Istio 1.18), else
 * `revision` in the status annotation.
 * Source: Istio `istioctl/pkg/describe/describe.go`, `GetRevisionFromPodAnnotation`.
 */
function revisionOf(annotations: Readonly<Record<string, string>>): string | undefined {
  return annotations[REVISION] ?? injectionStatus(annotations).revision;
}

/** What injection leaves on every pod that it changed, by webhook or by hand. */
const INJECTED = "sidecar.istio.io/status";
/** The revision, on pods that were injected, and on gateways and waypoints that istiod rendered. */
const REVISION = "istio.io/rev";

interface InjectionStatus {
  readonly revision: string | undefined;
  /** Containers and init containers that injection added. */
  readonly added: readonly string[];
}

/** Anybody who makes pods can write the annotation: what has another shape counts as absent. */
function injectionStatus(annotations: Readonly<Record<string, string>>): InjectionStatus {
  const status = parseObject(annotations[INJECTED]);
  const { revision, containers, initContainers } = status;
  return {
    revision: typeof revision === "string" ? revision : undefined,
    added: [...listOf(containers), ...listOf(initContainers)].filter(
      (name) => typeof name === "string",
    ),
  };
}

/** Waiting reasons of the kubelet that no patience mends. */
const HOPELESS = new Set([
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "ErrImageNeverPull",
  "ErrImagePull",
  "ImageInspectError",
  "ImagePullBackOff",
  "InvalidImageName",
  "PostStartHookError",
  "PreCreateHookError",
  "PreStartHookError",
  "RegistryUnavailable",
  "RunContainerError",
  "SignatureValidationFailed",
]);

function troubleOf({ metadata, status }: ApiPod): PodTrouble | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const container = statuses.find(({ state }) => HOPELESS.has(state?.waiting?.reason ?? ""));
  const waiting = container?.state?.waiting;
  return (
    waiting && {
      pod: metadata?.name ?? "",
      reason: waiting.reason ?? "",
      message: [waiting.message, lastWords(container)].filter(Boolean).join("; "),
    }
  );
}

/** How a container ended that is being started over and over. */
function lastWords({ name, lastState }: ApiContainerStatus): string | undefined {
  const end = lastState?.terminated;
  if (end === undefined) return undefined;
  const words = [end.reason, end.message?.trim()].filter(Boolean).join(": ");
  return `${name} ended with exit code ${end.exitCode}${words && ` (${words})`}`;
}

/**
 * The template behind an injected pod: without what injection added. Only for owners whose own
 * template is not read.
 */
function templateOfPod(pod: ApiPod): PodTemplate {
  const template = templateRecord({
    ...(pod.metadata ? { metadata: pod.metadata } : {}),
    ...(pod.spec ? { spec: pod.spec } : {}),
  });
  const { annotations } = template;
  const { added } = injectionStatus(annotations);
  const { "istio.io/rev": _revision, "sidecar.istio.io/status": _status, ...own } = annotations;
  return {
    ...template,
    annotations: own,
    proxy: added.includes("istio-proxy") ? overrideOf(annotations) : template.proxy,
  };
}

/** The template's own `istio-proxy`, which injection noted down before it changed it. */
function overrideOf(annotations: Readonly<Record<string, string>>): PodTemplate["proxy"] {
  const { containers, initContainers } = parseObject(annotations["proxy.istio.io/overrides"]);
  const own = [...listOf(containers), ...listOf(initContainers)].find(
    (container) => isObject(container) && container["name"] === "istio-proxy",
  );
  if (!isObject(own)) return undefined;
  return { image: typeof own["image"] === "string" ? own["image"] : "auto", args: [] };
}

/** An object in JSON; an empty one where the text is none. */
function parseObject(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
