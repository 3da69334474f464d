import { INJECTION_STATUS, PROXY_OVERRIDES, REVISION } from "../istio-labels.ts";
import { isObject, parseObject } from "../json-object.ts";

type Annotations = Readonly<Record<string, string>>;

/** True if Istio's annotations say that a pod has its proxy. */
export function isMarked(annotations: Annotations): boolean {
  return INJECTION_STATUS in annotations || REVISION in annotations;
}

/**
 * Returns the revision that injected a pod: the annotation `istio.io/rev` (since Istio 1.18), or else
 * `revision` in the status annotation.
 * Source: Istio `istioctl/pkg/describe/describe.go`, `GetRevisionFromPodAnnotation`.
 */
export function revisionOf(annotations: Annotations): string | undefined {
  if (annotations[REVISION] !== undefined) return annotations[REVISION];
  const revision = parseObject(annotations[INJECTION_STATUS])?.["revision"];
  return typeof revision === "string" ? revision : undefined;
}

/**
 * Returns the names of the parts that injection added to a pod. Anyone who creates pods can write the
 * annotation, so a value of another shape counts as absent.
 */
export function addedBy(
  annotations: Annotations,
): Readonly<Record<"containers" | "volumes" | "imagePullSecrets", readonly string[]>> {
  const status = parseObject(annotations[INJECTION_STATUS]) ?? {};
  const names = (value: unknown) => listOf(value).filter((name) => typeof name === "string");
  return {
    // The name of a native sidecar may stand for an ordinary container of the template.
    containers: [...names(status["containers"]), ...names(status["initContainers"])],
    volumes: names(status["volumes"]),
    imagePullSecrets: names(status["imagePullSecrets"]),
  };
}

/**
 * True if a container `istio-proxy` runs Istio's agent, although the pod lacks the annotation that
 * injection leaves on it: somebody removed the annotation. A container of the template's own seldom
 * has these arguments.
 * Source: Istio `injection-template.yaml` and `gateway-injection-template.yaml`.
 */
export function isInjectedWithoutStatus(
  annotations: Annotations,
  proxy: { readonly args?: readonly string[] } | undefined,
): boolean {
  const [command, role = ""] = proxy?.args ?? [];
  const isAgent = command === "proxy" && ["sidecar", "router"].includes(role);
  return isAgent && !(INJECTION_STATUS in annotations);
}

/** A container as the template had it, which injection recorded before it changed the container. */
export type Overridden = Readonly<Record<string, unknown>> & { readonly name: string };

/** Returns the containers that injection changed, as the template had them. */
export function overriddenIn(
  annotations: Annotations,
): Readonly<Record<"containers" | "initContainers", readonly Overridden[]>> {
  const { containers, initContainers } = parseObject(annotations[PROXY_OVERRIDES]) ?? {};
  const read = (value: unknown) => listOf(value).filter(isContainer);
  return { containers: read(containers), initContainers: read(initContainers) };
}

/** Returns the annotations that a pod had before its injection. */
export function withoutMarks(annotations: Annotations): Annotations {
  const {
    [INJECTION_STATUS]: _status,
    [REVISION]: _revision,
    [PROXY_OVERRIDES]: _overrides,
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
