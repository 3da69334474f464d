import { ApiError, isForbidden } from "../../http/api-error.ts";
import { withoutGeneratedNames } from "../../kubernetes/generated-names.ts";
import { type EventRecord, listEvents } from "../../cluster/events.ts";
import { refusedCreation } from "../../mesh/health.ts";
import type { Rollout, WorkloadRef } from "../../snapshot.ts";
import type { Session } from "../session.ts";

/** The kinds with a condition about rejected pods, which they copy from their ReplicaSets. */
const WITH_CONDITION: ReadonlySet<string> = new Set(["Deployment", "Rollout"]);

/**
 * Returns the ids of the existing events about rejected pods. For a StatefulSet or DaemonSet, only
 * events report rejected pods. Events outlive their cause, so the ids from before a restart are
 * ignored later.
 */
export async function knownRefusals(
  session: Session,
  ref: WorkloadRef,
): Promise<ReadonlySet<string>> {
  const events = WITH_CONDITION.has(ref.kind) ? [] : await failedCreates(session, ref);
  return new Set(events.map(({ id }) => id));
}

/** Returns the ids of the events from before the first call. */
export type EarlierRefusals = () => Promise<ReadonlySet<string>>;

/** Remembers the events about rejected pods at the first call: only later ones are about the present. */
export function earlierRefusals(session: Session, ref: WorkloadRef): EarlierRefusals {
  let known: Promise<ReadonlySet<string>> | undefined;
  return () => (known ??= knownRefusals(session, ref));
}

/**
 * Returns the API server's reasons why pods could not be created.
 *
 * @param known the ids of the events to ignore.
 */
export async function newRefusals(
  session: Session,
  ref: WorkloadRef,
  rollout: Rollout,
  known: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (rollout.kind === "Deployment" || rollout.kind === "Rollout") {
    const refusal = refusedCreation(rollout);
    return refusal === undefined ? [] : [withoutGeneratedNames(refusal, ref.name)];
  }
  const events = await failedCreates(session, ref);
  return events
    .filter(({ id }) => !known.has(id))
    .map(({ message }) => withoutGeneratedNames(message, ref.name));
}

function failedCreates(session: Session, { namespace, uid }: WorkloadRef) {
  return eventsAbout(session, namespace, uid, "FailedCreate").then((events) => events ?? []);
}

/** Returns `undefined` if the events cannot be read. A note explains a missing permission. */
export async function eventsAbout(
  { api, notes }: Session,
  namespace: string,
  uid: string,
  reason?: string,
): Promise<readonly EventRecord[] | undefined> {
  try {
    return await listEvents(api, namespace, uid, reason);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (isForbidden(error)) {
      notes.add(
        `not allowed to list events in ${namespace}: pods that cannot be created or scheduled are noticed later`,
      );
    }
    return undefined;
  }
}

/** Reasons of the events with which cluster-autoscaler and Karpenter announce a node for a pod. */
const MAKES_ROOM = new Set(["TriggeredScaleUp", "Nominated"]);

/** True if a node is being added for a pod, or if that is unknown. */
export async function mayGetRoom(
  session: Session,
  namespace: string,
  uid: string,
): Promise<boolean> {
  const events = await eventsAbout(session, namespace, uid);
  return events === undefined || events.some(({ reason }) => MAKES_ROOM.has(reason));
}
