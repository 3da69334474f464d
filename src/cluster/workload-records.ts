import { isObject } from "../json-object.ts";
import { PROXY_CONTAINER } from "../istio-labels.ts";
import type { BuiltInKind } from "../kubernetes/kinds.ts";
import type { PodTemplate, Workload } from "../snapshot.ts";
import { relevantAnnotations } from "./annotations.ts";
import type { ApiContainer, ApiOwnerReference, ApiPodTemplate } from "./api-objects.ts";
import { isForWindows } from "./windows.ts";
import { type RestartableObject, rolloutRecord } from "./rollout-record.ts";

/** Returns the record of a workload, without its pods. */
export function workloadRecord(kind: BuiltInKind, object: RestartableObject): Workload {
  const { metadata, spec } = object;
  return {
    namespace: metadata?.namespace ?? "",
    kind,
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    ...controllerField(metadata?.ownerReferences),
    labels: metadata?.labels ?? {},
    annotations: relevantAnnotations(metadata?.annotations),
    template: templateRecord(spec?.template),
    rollout: rolloutRecord(kind, object),
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

/** The field of a workload that another object controls; empty for other workloads. */
export function controllerField(
  references: readonly ApiOwnerReference[] | undefined,
): Pick<Workload, "controller"> {
  const found = references?.find(({ controller }) => controller === true);
  return found ? { controller: { kind: found.kind ?? "", name: found.name ?? "" } } : {};
}

export function templateRecord(template: ApiPodTemplate | undefined): PodTemplate {
  const containers = template?.spec?.containers ?? [];
  const proxy = findProxy([...containers, ...(template?.spec?.initContainers ?? [])]);
  const claims = claimsOf(template?.spec?.volumes);
  return {
    labels: template?.metadata?.labels ?? {},
    annotations: relevantAnnotations(template?.metadata?.annotations),
    hostNetwork: template?.spec?.hostNetwork === true,
    windows: template?.spec !== undefined && isForWindows(template.spec),
    proxy: proxy && {
      image: proxy.image ?? "",
      args: proxy.args ?? [],
      confined: isConfined(proxy),
    },
    // Injection adds a probe to the sidecar.
    probed: containers.every(
      ({ name, readinessProbe }) => name === PROXY_CONTAINER || readinessProbe !== undefined,
    ),
    ...(claims.length > 0 ? { claims } : {}),
  };
}

/** Returns the names of the claims in a list of volumes. No schema checks those of an Argo Rollout. */
function claimsOf(volumes: unknown): readonly string[] {
  if (!Array.isArray(volumes)) return [];
  return volumes.flatMap((volume: unknown) => {
    const claim = isObject(volume) ? volume["persistentVolumeClaim"] : undefined;
    const name = isObject(claim) ? claim["claimName"] : undefined;
    return typeof name === "string" ? [name] : [];
  });
}

/** True if a container sets `allowPrivilegeEscalation: false`. */
export function isConfined(container: { readonly securityContext?: unknown }): boolean {
  const { securityContext: context } = container;
  const isSet = typeof context === "object" && context !== null;
  return (
    isSet && "allowPrivilegeEscalation" in context && context.allowPrivilegeEscalation === false
  );
}

/** Finds the sidecar by its name, since `istio-init` runs the same image. */
export function findProxy(containers: readonly ApiContainer[]): ApiContainer | undefined {
  return containers.find(({ name }) => name === PROXY_CONTAINER);
}
