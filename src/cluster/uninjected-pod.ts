import type { V1Container, V1OwnerReference, V1Pod } from "@kubernetes/client-node";
import {
  addedBy,
  isInjectedWithoutStatus,
  overriddenIn,
  type Overridden,
  withoutMarks,
} from "./injection-marks.ts";
import { PROXY_CONTAINER } from "../istio-labels.ts";
import { ownSettings, withOwnMetrics, withOwnProbes } from "./own-settings.ts";

/**
 * Reconstructs a live pod as it was before injection. It stands for the template of a workload whose
 * template is not read: a bare pod, or a controller of an unknown kind.
 */
export function uninjectedPod({ metadata = {}, spec }: V1Pod): V1Pod {
  const { annotations = {}, labels = {}, namespace, ownerReferences = [] } = metadata;
  const { containers = [], initContainers = [], volumes = [], imagePullSecrets = [] } = spec ?? {};
  // The node and debug containers were added after the pod was created.
  const { nodeName: _node, ephemeralContainers: _debug, ...kept } = spec ?? { containers: [] };
  const proxy = [...containers, ...initContainers].find(({ name }) => name === PROXY_CONTAINER);
  const marked = addedBy(annotations);
  const added = isInjectedWithoutStatus(annotations, proxy)
    ? { ...marked, containers: INJECTED_CONTAINERS }
    : marked;
  const overridden = overriddenIn(annotations);
  const settings = ownSettings(proxy);
  // Injection records an ordinary container under init containers if it made it a native sidecar.
  const moved = overridden.initContainers.filter(isOrdinaryProxy);
  const init = overridden.initContainers.filter((container) => !isOrdinaryProxy(container));
  const own = [...overridden.containers, ...moved].map(containerOf);
  const others = <Item extends { name?: string }>(
    items: readonly Item[],
    names: readonly string[],
  ) => items.filter(({ name = "" }) => !names.includes(name));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${metadata.name}-`,
      ...(namespace !== undefined && { namespace }),
      labels,
      annotations: withOwnMetrics(withoutMarks(annotations), settings),
      ownerReferences: ownerReferences.map(withoutBlock),
    },
    spec: {
      ...kept,
      containers: [
        ...others(containers, added.containers).map((one) => withOwnProbes(one, settings)),
        ...own,
      ],
      initContainers: [...others(initContainers, added.containers), ...init.map(containerOf)],
      volumes: others(volumes, added.volumes),
      imagePullSecrets: others(imagePullSecrets, added.imagePullSecrets),
    },
  };
}

/** The names of the containers that injection adds, if the pod no longer lists them. */
const INJECTED_CONTAINERS = [PROXY_CONTAINER, "istio-init", "istio-validation"];

/** Removes `blockOwnerDeletion`: setting it requires another permission, on the owner. */
export function withoutBlock(owner: V1OwnerReference): V1OwnerReference {
  const { blockOwnerDeletion: _, ...rest } = owner;
  return rest;
}

/** True for a sidecar that the template defines as an ordinary container. */
function isOrdinaryProxy(container: Overridden): boolean {
  return container.name === PROXY_CONTAINER && container["restartPolicy"] === undefined;
}

/** Completes a container whose image the template left to the revision. */
function containerOf(container: Overridden): V1Container {
  return { image: "auto", ...container };
}
