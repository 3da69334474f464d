import type { CoreV1Event } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { groupPath } from "../kubernetes/api-paths.ts";

/** An event that a controller wrote about one object. */
export interface EventRecord {
  /** The uid of the object. */
  readonly objectUid: string;
  /** A text that changes whenever the event occurs again. */
  readonly id: string;
  readonly reason: string;
  readonly message: string;
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

async function list(
  api: Api,
  namespace: string | undefined,
  fieldSelector: string,
): Promise<readonly EventRecord[]> {
  const path = `${groupPath("v1", namespace)}/events`;
  const events = await listAll<CoreV1Event>(api, { path, kind: "EventList", fieldSelector });
  return events
    .map((event) => ({ time: timeOf(event), record: eventRecord(event) }))
    .sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)))
    .map(({ record }) => record);
}

/** The time of an event. It is a string in JSON, although the client's types say `Date`. */
function timeOf({ lastTimestamp, eventTime, metadata }: CoreV1Event): string {
  return String(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "");
}

function eventRecord(event: CoreV1Event): EventRecord {
  const { metadata, involvedObject, reason, message, count } = event;
  return {
    objectUid: involvedObject.uid ?? "",
    id: `${metadata.uid} ${count ?? 1}`,
    reason: reason ?? "",
    message: message ?? "",
  };
}
