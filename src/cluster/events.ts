import type { CoreV1Event } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import { compareText } from "../snapshot.ts";

/** The reporter of this program's own Events, which explain nothing about pods. */
export const EVENT_REPORTER = "istio-upgrade";

/** The API group in which Events are written. */
export const EVENTS_GROUP = "events.k8s.io";
export const EVENTS_API = `${EVENTS_GROUP}/v1`;

/** An event that a controller wrote about one object. */
export interface EventRecord {
  /** The uid of the object. */
  readonly objectUid: string;
  /** A text that changes whenever the event occurs again. */
  readonly id: string;
  /** The uid of the event itself, which stays the same. */
  readonly uid: string;
  /** The time of its last occurrence, in RFC 3339; empty if it is unknown. */
  readonly time: string;
  readonly reason: string;
  readonly message: string;
  readonly isWarning: boolean;
  /** The container that it is about; `undefined` if it is about the object as a whole. */
  readonly container: string | undefined;
}

/**
 * Lists the events about one object, the newest last.
 *
 * @param reason the only reason to list; `undefined`: any reason.
 * @throws ApiError if the events could not be read.
 */
export function listEvents(
  api: Api,
  namespace: string,
  uid: string,
  reason?: string,
): Promise<readonly EventRecord[]> {
  const only = reason === undefined ? "" : `,reason=${reason}`;
  return list(api, namespace, `involvedObject.uid=${uid}${only}`);
}

/**
 * Lists the events of controllers whose pods were rejected, the newest last.
 *
 * @param namespace `undefined`: all namespaces.
 * @throws ApiError if the events could not be read.
 */
export function listRefusals(
  api: Api,
  namespace: string | undefined,
): Promise<readonly EventRecord[]> {
  return list(api, namespace, "reason=FailedCreate");
}

/**
 * Lists the warnings about the pods of a namespace, the newest last.
 *
 * @throws ApiError if the events could not be read.
 */
export function listPodWarnings(api: Api, namespace: string): Promise<readonly EventRecord[]> {
  return list(api, namespace, "involvedObject.kind=Pod,type=Warning");
}

async function list(
  api: Api,
  namespace: string | undefined,
  fieldSelector: string,
): Promise<readonly EventRecord[]> {
  const path = `${groupPath("v1", namespace)}/events`;
  const events = await listAll<CoreV1Event>(api, { path, kind: "EventList", fieldSelector });
  return events
    .filter(({ reportingComponent }) => reportingComponent !== EVENT_REPORTER)
    .map(eventRecord)
    .sort((a, b) => compareText(a.time, b.time));
}

/**
 * The time of the last occurrence. It is a string in JSON, although the client's types say `Date`. The
 * events of newer clients count in a series.
 */
function timeOf({ lastTimestamp, series, eventTime, metadata }: CoreV1Event): string {
  const time = lastTimestamp ?? series?.lastObservedTime ?? eventTime ?? metadata.creationTimestamp;
  return String(time ?? "");
}

function eventRecord(event: CoreV1Event): EventRecord {
  const { metadata, involvedObject, reason, message, series, type } = event;
  const count = event.count ?? series?.count;
  return {
    objectUid: involvedObject.uid ?? "",
    id: `${metadata.uid} ${count ?? 1}`,
    uid: metadata.uid ?? "",
    time: timeOf(event),
    reason: reason ?? "",
    message: message ?? "",
    isWarning: type === "Warning",
    // For example `spec.containers{istio-proxy}`.
    container: /\{(.+)\}$/.exec(involvedObject.fieldPath ?? "")?.[1],
  };
}
