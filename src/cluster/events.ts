import type { CoreV1Event } from "@kubernetes/client-node";
import type { Api } from "./api.ts";
import { listAll } from "./pages.ts";

/** What a controller said of one object, as often as it said so. */
export interface EventRecord {
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
export async function listEvents(
  api: Api,
  namespace: string,
  uid: string,
  reason?: string,
): Promise<readonly EventRecord[]> {
  const only = reason === undefined ? "" : `,reason=${reason}`;
  const events = await listAll<CoreV1Event>(api, {
    path: `/api/v1/namespaces/${namespace}/events`,
    kind: "EventList",
    fieldSelector: `involvedObject.uid=${uid}${only}`,
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

function eventRecord({ metadata, reason, message, count }: CoreV1Event): EventRecord {
  return {
    id: `${metadata.uid} ${count ?? 1}`,
    reason: reason ?? "",
    message: message ?? "",
  };
}
