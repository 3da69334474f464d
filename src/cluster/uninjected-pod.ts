import type { V1Container, V1OwnerReference, V1Pod } from "@kubernetes/client-node";
import { addedBy, overriddenIn, type Overridden, withoutMarks } from "./injection-marks.ts";
import { PROXY_CONTAINER } from "../istio-labels.ts";

/**
 * A live pod as it was before injection: what to ask about where no template can be had, as of a
 * bare pod, or of an owner of a kind that nobody here knows.
 */
export function uninjectedPod({ metadata = {}, spec }: V1Pod): V1Pod {
  const { annotations = {}, labels = {}, namespace, ownerReferences = [] } = metadata;
  const { containers = [], initContainers = [], volumes = [], imagePullSecrets = [] } = spec ?? {};
  // Where it runs, and what was attached to it since, is no part of what was created.
  const { nodeName: _node, ephemeralContainers: _debug, ...kept } = spec ?? { containers: [] };
  const added = addedBy(annotations);
  const overridden = overriddenIn(annotations);
  // Noted down where the template of a native sidecar has it: it was an ordinary container before.
  const [moved, init] = split(overridden.initContainers, isOrdinaryProxy);
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
      annotations: withoutMarks(annotations),
      ownerReferences: ownerReferences.map(withoutBlock),
    },
    spec: {
      ...kept,
      containers: [...others(containers, added.containers), ...own],
      initContainers: [...others(initContainers, added.containers), ...init.map(containerOf)],
      volumes: others(volumes, added.volumes),
      imagePullSecrets: others(imagePullSecrets, added.imagePullSecrets),
    },
  };
}

/** To set it needs a right of its own, on the owner. */
function withoutBlock(owner: V1OwnerReference): V1OwnerReference {
  const { blockOwnerDeletion: _, ...rest } = owner;
  return rest;
}

/** Who means a native sidecar says so. */
function isOrdinaryProxy(own: Overridden): boolean {
  return own.name === PROXY_CONTAINER && own["restartPolicy"] === undefined;
}

function split<Item>(items: readonly Item[], isFirst: (item: Item) => boolean) {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))] as const;
}

/** Where the template left the image to the revision, none was noted down. */
function containerOf(own: Overridden): V1Container {
  return { image: "auto", ...own };
}
