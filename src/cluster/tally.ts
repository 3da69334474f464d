import type { V1ContainerStatus, V1OwnerReference, V1Pod } from "@kubernetes/client-node";
import type { PodGroup, PodTemplate, PodTrouble } from "../snapshot.ts";
import { addGroup } from "./pod-group.ts";
import { findProxy, templateRecord } from "./records.ts";

/** The pods of one direct owner, folded: nothing of a page is kept but this. */
export interface Tally {
  readonly namespace: string;
  /** The controller, or the pod itself where it has none. */
  readonly owner: Owner;
  readonly groups: Map<string, PodGroup>;
  terminating: number;
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
export function tallyPods(tallies: Map<string, Tally>, pods: readonly V1Pod[]): void {
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
      continue;
    }
    addGroup(tally.groups, groupOf(pod));
  }
}

export function controllerOf(
  references: readonly V1OwnerReference[] | undefined,
): V1OwnerReference | undefined {
  return references?.find(({ controller }) => controller === true);
}

function ownerOf({ metadata }: V1Pod): Owner {
  return (
    controllerOf(metadata?.ownerReferences) ?? {
      kind: "Pod",
      name: metadata?.name ?? "",
      uid: metadata?.uid ?? "",
    }
  );
}

function newTally(owner: Owner, pod: V1Pod): Tally {
  const { labels = {}, annotations = {}, namespace = "" } = pod.metadata ?? {};
  // Pods that a Deployment, StatefulSet or DaemonSet made carry a hash of its template.
  const listed = "pod-template-hash" in labels || "controller-revision-hash" in labels;
  return {
    namespace,
    owner,
    groups: new Map(),
    terminating: 0,
    sample: listed ? undefined : templateOfPod(pod),
    metadata: owner.kind === "Pod" ? { labels, annotations } : { labels: {}, annotations: {} },
  };
}

/** What one pod says of itself. */
export function groupOf(pod: V1Pod): PodGroup {
  const name = pod.metadata?.name ?? "";
  const inContainers = findProxy(pod.spec?.containers ?? []);
  const proxy = inContainers ?? findProxy(pod.spec?.initContainers ?? []);
  const ready = (pod.status?.conditions ?? []).some(
    ({ type, status }) => type === "Ready" && status === "True",
  );
  return {
    image: proxy?.image,
    revision: proxy && revisionOf(pod.metadata?.annotations ?? {}),
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
  return annotations["istio.io/rev"] ?? injectionStatus(annotations).revision;
}

interface InjectionStatus {
  readonly revision?: string;
  readonly containers?: readonly string[] | null;
  readonly initContainers?: readonly string[] | null;
}

function injectionStatus(annotations: Readonly<Record<string, string>>): InjectionStatus {
  return parseObject<InjectionStatus>(annotations["sidecar.istio.io/status"]) ?? {};
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
  "RunContainerError",
]);

function troubleOf({ metadata, status }: V1Pod): PodTrouble | undefined {
  const statuses: readonly V1ContainerStatus[] = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ];
  const waiting = statuses
    .map(({ state }) => state?.waiting)
    .find((state) => HOPELESS.has(state?.reason ?? ""));
  return (
    waiting && {
      pod: metadata?.name ?? "",
      reason: waiting.reason ?? "",
      message: waiting.message ?? "",
    }
  );
}

/**
 * The template behind an injected pod: without what injection added. Only for owners whose own
 * template is not read.
 */
function templateOfPod(pod: V1Pod): PodTemplate {
  const template = templateRecord({
    ...(pod.metadata ? { metadata: pod.metadata } : {}),
    ...(pod.spec ? { spec: pod.spec } : {}),
  });
  const { annotations } = template;
  const status = injectionStatus(annotations);
  const injected = [...(status.containers ?? []), ...(status.initContainers ?? [])];
  const { "istio.io/rev": _revision, "sidecar.istio.io/status": _status, ...own } = annotations;
  return {
    ...template,
    annotations: own,
    proxy: injected.includes("istio-proxy") ? overrideOf(annotations) : template.proxy,
  };
}

interface Overrides {
  readonly containers?: readonly { readonly name?: string; readonly image?: string }[] | null;
}

/** The template's own `istio-proxy`, which injection noted down before it changed it. */
function overrideOf(annotations: Readonly<Record<string, string>>): PodTemplate["proxy"] {
  const overrides = parseObject<Overrides>(annotations["proxy.istio.io/overrides"]);
  const own = overrides?.containers?.find(({ name }) => name === "istio-proxy");
  return own && { image: own.image ?? "auto", args: [] };
}

function parseObject<Shape>(text: string | undefined): Shape | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return typeof value === "object" && value !== null ? (value as Shape) : undefined;
  } catch {
    return undefined;
  }
}
