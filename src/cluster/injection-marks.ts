import { isObject, parseObject } from "../json-object.ts";
import { INJECTION_STATUS, PROXY_OVERRIDES, REVISION } from "../istio-labels.ts";

type Annotations = Readonly<Record<string, string>>;

/** Whether Istio says of a pod that it has its proxy. */
export function isMarked(annotations: Annotations): boolean {
  return INJECTION_STATUS in annotations || REVISION in annotations;
}

/**
 * The revision that injected a pod: the annotation `istio.io/rev` (since Istio 1.18), else
 * `revision` in the status annotation.
 * Source: Istio `istioctl/pkg/describe/describe.go`, `GetRevisionFromPodAnnotation`.
 */
export function revisionOf(annotations: Annotations): string | undefined {
  if (annotations[REVISION] !== undefined) return annotations[REVISION];
  const revision = parseObject(annotations[INJECTION_STATUS])?.["revision"];
  return typeof revision === "string" ? revision : undefined;
}

/**
 * Names of what injection added to a pod. Anybody who makes pods can write the annotation: what has
 * another shape counts as absent.
 */
export function addedBy(
  annotations: Annotations,
): Readonly<Record<"containers" | "volumes" | "imagePullSecrets", readonly string[]>> {
  const status = parseObject(annotations[INJECTION_STATUS]) ?? {};
  const names = (value: unknown) => listOf(value).filter((name) => typeof name === "string");
  return {
    // A native sidecar may have been an ordinary container before.
    containers: [...names(status["containers"]), ...names(status["initContainers"])],
    volumes: names(status["volumes"]),
    imagePullSecrets: names(status["imagePullSecrets"]),
  };
}

/** A container as the template had it, which injection noted down before it changed it. */
export type Overridden = Readonly<Record<string, unknown>> & { readonly name: string };

export function overriddenIn(
  annotations: Annotations,
): Readonly<Record<"containers" | "initContainers", readonly Overridden[]>> {
  const { containers, initContainers } = parseObject(annotations[PROXY_OVERRIDES]) ?? {};
  const read = (value: unknown) => listOf(value).filter(isContainer);
  return { containers: read(containers), initContainers: read(initContainers) };
}

/** The annotations that a pod had before it was injected. */
export function withoutMarks(annotations: Annotations): Annotations {
  const {
    [INJECTION_STATUS]: _status,
    [REVISION]: _revision,
    [PROXY_OVERRIDES]: _own,
    ...others
  } = annotations;
  return others;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isContainer(value: unknown): value is Overridden {
  return isObject(value) && typeof value["name"] === "string";
}
