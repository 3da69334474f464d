import { EVENTS_GROUP, type KubeObject, kindNamed } from "./kinds.ts";
import { invalid, malformed } from "./refusal.ts";
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

/** The names of the same fields in the core group and in `events.k8s.io`. */
const FIELDS: readonly (readonly [core: string, newer: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

/** Returns a stored event as `events.k8s.io/v1` shows it. */
export function newForm(event: KubeObject): KubeObject {
  const renamed = FIELDS.map(([core, newer]) => [newer, event[core]]);
  const rest = Object.entries(event).filter(([name]) => !FIELDS.some(([core]) => core === name));
  return { ...Object.fromEntries([...rest, ...renamed]), apiVersion: `${EVENTS_GROUP}/v1` };
}

/** The most bytes of a field. */
const LONGEST: Readonly<Record<string, number>> = {
  reportingInstance: 128,
  action: 128,
  reason: 128,
  message: 1024,
};

/**
 * Returns an event that was sent to `events.k8s.io/v1` as it is stored. The rules and their order are
 * those of `ValidateEventCreate` in k8s.io/kubernetes `pkg/apis/core/validation/events.go`.
 *
 * @throws Refusal if it breaks a rule.
 */
export function acceptedEvent(sent: KubeObject): KubeObject {
  const renamed = FIELDS.map(([core, newer]) => [core, sent[newer]]);
  const rest = Object.entries(sent).filter(([name]) => !FIELDS.some(([, newer]) => newer === name));
  const event: KubeObject = Object.fromEntries([...rest, ...renamed]);
  const { eventTime, metadata, involvedObject, type } = event;
  // Go parses exactly six digits of a second.
  if (eventTime !== undefined && !/^[\d-]+T[\d:]+\.\d{6}Z$/.test(eventTime)) {
    throw malformed("Event", `parsing time "${eventTime}" as "2006-01-02T15:04:05.000000Z07:00"`);
  }
  const problems = [
    ...(involvedObject?.namespace === undefined && metadata.namespace !== "default"
      ? [`involvedObject.namespace: Invalid value: "": does not match event.namespace`]
      : []),
    ...["reportingComponent", "reportingInstance", "action", "reason"].flatMap((name) =>
      event[name]
        ? []
        : [`${name === "reportingComponent" ? "reportingController" : name}: Required value`],
    ),
    ...Object.entries(LONGEST).flatMap(([name, most]) =>
      Buffer.byteLength(event[name] ?? "") > most
        ? [`${name}: Invalid value: "": can have at most ${most} characters`]
        : [],
    ),
    ...(eventTime === undefined ? ["eventTime: Required value"] : []),
    ...(type === "Normal" || type === "Warning"
      ? []
      : [`type: Invalid value: "": has invalid value: ${type ?? ""}`]),
    ...["firstTimestamp", "lastTimestamp", "count", "source"].flatMap((name) =>
      event[name] === undefined ? [] : [`${name}: Invalid value: "": needs to be unset`],
    ),
    ...(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(metadata.name) &&
    metadata.name.length <= 253
      ? []
      : [`metadata.name: Invalid value: ${JSON.stringify(metadata.name)}`]),
  ];
  if (problems.length > 0) throw invalid(kindNamed("Event"), metadata.name, problems);
  return { ...event, source: {}, firstTimestamp: null, lastTimestamp: null };
}
