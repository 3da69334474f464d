import type { CoreV1Event } from "@kubernetes/client-node";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";

/** What a controller said of one object, as often as it said so. */
export interface EventRecord {
  /** Uid of the object. */
  readonly about: string;
  /** Another one whenever it is said again. */
  readonly id: string;
  readonly reason: string;
  readonly message: string;
}

/**
 * The events about one object, the newest last.
 *
 * @throws ApiError where they may not be read.
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
 * What controllers were told when they asked for pods in vain, the newest last.
 *
 * @param namespace `undefined`: in all of them.
 * @throws ApiError where they may not be read.
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
  const place = namespace === undefined ? "" : `/namespaces/${namespace}`;
  const events = await listAll<CoreV1Event>(api, {
    path: `/api/v1${place}/events`,
    kind: "EventList",
    fieldSelector,
  });
  return events
    .map((event) => ({ time: timeOf(event), record: eventRecord(event) }))
    .sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time)))
    .map(({ record }) => record);
}

/** Strings in JSON, whatever the client's types say. */
function timeOf({ lastTimestamp, eventTime, metadata }: CoreV1Event): string {
  return String(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "");
}

function eventRecord(event: CoreV1Event): EventRecord {
  const { metadata, involvedObject, reason, message, count } = event;
  return {
    about: involvedObject.uid ?? "",
    id: `${metadata.uid} ${count ?? 1}`,
    reason: reason ?? "",
    message: message ?? "",
  };
}
