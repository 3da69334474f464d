import { shortKind } from "../kubernetes/kinds.ts";
import type { From } from "../rollout/step.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { API_VERSION, type EventEntry } from "./document.ts";
import { shortImage } from "./image-text.ts";
import { plain } from "./plain.ts";
import type { ProgressEvent } from "./progress-event.ts";

type Formatters = {
  readonly [Type in ProgressEvent["type"]]: (
    event: Extract<ProgressEvent, { readonly type: Type }>,
  ) => string;
};

/** The message of an event about its workload, or about the run. */
const MESSAGES: Formatters = {
  reading: ({ what }) => `reading ${what}`,
  planned: ({ message }) => message,
  started: ({ from, image }) => `restarting, ${changeText(from, image)}`,
  rolling: ({ message, ready, wanted }) => `${ready} of ${wanted} new pods ready; ${message}`,
  waiting: ({ message }) => `waiting, ${message}`,
  // A dry run skips every workload, so the outcome says nothing.
  ended: ({ result: { outcome, code, message } }) =>
    code === "dry-run" ? message : `${outcome}, ${message}`,
  notice: ({ message }) => message,
};

/** Formats an event as one line for a person. */
export function formatEvent(event: ProgressEvent): string {
  const ref = refOf(event);
  return plain(ref === undefined ? messageOf(event) : `${workloadPath(ref)}: ${messageOf(event)}`);
}

/** Converts an event to its published form. */
export function eventEntry(event: ProgressEvent, time: Date): EventEntry {
  const ref = refOf(event);
  return {
    apiVersion: API_VERSION,
    kind: "Event",
    type: event.type,
    time: time.toISOString(),
    namespace: ref?.namespace ?? null,
    workloadKind: ref?.kind ?? null,
    name: ref?.name ?? null,
    message: messageOf(event),
  };
}

/** Formats the change of an image: `v1.27.7-1 -> v1.27.9-6`. */
export function changeText(from: readonly From[], to: string): string {
  const images = [...new Set(from.map(({ image }) => shortImage(image ?? null, to)))];
  const beside = from.find(({ image }) => image !== undefined)?.image ?? null;
  return `${images.join(",")} -> ${shortImage(to, beside)}`;
}

/** Formats a workload with its namespace: `shop/deploy/web`. */
export function workloadPath({ namespace, kind, name }: Omit<WorkloadRef, "uid">): string {
  return `${namespace}/${shortKind(kind)}/${name}`;
}

function messageOf<Event extends ProgressEvent>(event: Event): string {
  const format = MESSAGES[event.type] as (event: Event) => string;
  return format(event);
}

function refOf(event: ProgressEvent): WorkloadRef | undefined {
  if (event.type === "ended") return event.result.ref;
  return "ref" in event ? event.ref : undefined;
}
