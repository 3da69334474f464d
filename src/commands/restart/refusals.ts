import { ApiError, isForbidden } from "../../http/api-error.ts";
import { type EventRecord, listEvents } from "../../cluster/events.ts";
import type { Rollout, WorkloadRef } from "../../snapshot.ts";
import type { Session } from "../session.ts";

/** A Deployment and a Rollout take over what their ReplicaSets say. */
const TOLD_BY_CONDITION: ReadonlySet<string> = new Set(["Deployment", "Rollout"]);

/**
 * What a controller has been told so far when it asked for pods: of a StatefulSet or DaemonSet only
 * events tell. They outlive their cause, so those from before a restart are remembered by their ids.
 */
export async function knownRefusals(
  session: Session,
  ref: WorkloadRef,
): Promise<ReadonlySet<string>> {
  const events = TOLD_BY_CONDITION.has(ref.kind) ? [] : await failedCreates(session, ref);
  return new Set(events.map(({ id }) => id));
}

/** Why pods could not be created since then, in the API server's words. */
export async function newRefusals(
  session: Session,
  ref: WorkloadRef,
  rollout: Rollout,
  known: ReadonlySet<string>,
): Promise<readonly string[]> {
  if ("conditions" in rollout) {
    return rollout.conditions
      .filter(({ type, status }) => type === "ReplicaFailure" && status === "True")
      .map(({ message }) => message);
  }
  const events = await failedCreates(session, ref);
  return events.filter(({ id }) => !known.has(id)).map(({ message }) => message);
}

function failedCreates(session: Session, { namespace, uid }: WorkloadRef) {
  return eventsAbout(session, namespace, uid, "FailedCreate").then((events) => events ?? []);
}

/** `undefined` where they may not be read, which is said once: without them waiting takes longer. */
async function eventsAbout(
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
        `events may not be listed in ${namespace}: pods that cannot be created or placed are noticed later`,
      );
    }
    return undefined;
  }
}

/** What cluster-autoscaler and Karpenter say of a pod that they make room for. */
const MAKES_ROOM = new Set(["TriggeredScaleUp", "Nominated"]);

/** Whether room is being made for a pod; where that cannot be told it may be. */
export async function mayGetRoom(
  session: Session,
  namespace: string,
  uid: string,
): Promise<boolean> {
  const events = await eventsAbout(session, namespace, uid);
  return events === undefined || events.some(({ reason }) => MAKES_ROOM.has(reason));
}
