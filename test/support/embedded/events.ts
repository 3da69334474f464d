import type { KubeObject } from "./kinds.ts";
import type { Store } from "./store.ts";
import { create, now, update } from "./write.ts";

/** Records an event of a controller. A repeated event increments the count of the first. */
export function recordEvent(
  store: Store,
  { kind, apiVersion, metadata }: KubeObject,
  reason: string,
  message: string,
): void {
  const { namespace, name, uid } = metadata;
  const known = store
    .list("Event", namespace)
    .find((event) => event.involvedObject.uid === uid && event.message === message);
  const occurrence = { count: (known?.count ?? 0) + 1, lastTimestamp: now() };
  if (known) return void update(store, known, { ...known, ...occurrence });
  create(store, {
    kind: "Event",
    metadata: { generateName: `${name}.`, namespace },
    involvedObject: { kind, apiVersion, namespace, name, uid },
    type: "Warning",
    reason,
    message,
    firstTimestamp: now(),
    ...occurrence,
  });
}
