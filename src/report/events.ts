import { shortKind } from "../kubernetes/kinds.ts";
import { largestChange } from "../mesh/image.ts";
import { changeTo, type Target } from "../mesh/running-pods.ts";
import type { StepResult } from "../rollout/result.ts";
import type { From } from "../rollout/step.ts";
import type { SoakResult } from "../rollout/wave-result.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { goDuration } from "../duration.ts";
import { count } from "../wording.ts";
import { API_VERSION, type EventEntry } from "./document.ts";
import { fromEntry } from "./entries.ts";
import { shortImage } from "../mesh/short-image.ts";
import { plain } from "./plain.ts";
import { GATE_CODES, SOAK_CODES } from "./wave-codes.ts";
import type { ProgressEvent } from "./progress-event.ts";

type Formatters = {
  readonly [Type in ProgressEvent["type"]]: (
    event: Extract<ProgressEvent, { readonly type: Type }>,
  ) => string;
};

/** The message of an event about its workload, or about the run. */
const MESSAGES: Formatters = {
  reading: ({ what }) => `reading ${what}`,
  "cluster-read": ({ message, done, of }) => `${message} (${done} of ${of})`,
  planned: ({ message }) => message,
  started: ({ from, to, inPlace }) =>
    `${inPlace ? "replacing its sidecars in place" : "restarting"}, ${changeText(from, to)}`,
  rolling: ({ message, ready, wanted, inPlace }) =>
    `${ready} of ${wanted} ${inPlace ? "sidecars replaced" : "new pods ready"}; ${message}`,
  waiting: ({ message }) => `waiting, ${message}`,
  ended: ({ result }) => endingText(result),
  "wave-started": ({ wave, of, workloads }) =>
    workloads === 0
      ? `wave ${wave} of ${of}: waiting for rollouts of an earlier run`
      : `wave ${wave} of ${of}: restarting ${count(workloads, "workload")}`,
  soaking: ({ wave, of, duration }) =>
    `wave ${wave} of ${of}: watching its pods for ${goDuration(duration)}`,
  soaked: ({ wave, of, soak }) => `wave ${wave} of ${of}: soak ${soakText(soak)}`,
  "gate-asked": ({ wave, of, command, timeout }) =>
    `wave ${wave} of ${of}: asking the gate ${command}, for at most ${goDuration(timeout)}`,
  "gate-answered": ({ wave, of, gate }) =>
    `wave ${wave} of ${of}: the gate ${gate.command} ${gate.message}`,
  verifying: ({ message, left }) => `waiting: ${message}, ${left} left`,
  labelled: ({ namespace, message }) => `namespace ${namespace}: ${message}`,
  stopped: ({ message }) => message,
  notice: ({ message }) => message,
};

/** Formats an event as one line for a person. */
export function formatEvent(event: ProgressEvent): string {
  const ref = refOf(event);
  const time = event.type === "ended" ? timeTaken(event.result) : undefined;
  const message = time === undefined ? messageOf(event) : `${messageOf(event)} (${time})`;
  const about = ref === undefined ? event.cluster : workloadPath(ref);
  return plain(about === undefined ? message : `${about}: ${message}`);
}

/** Converts an event to its published form. */
export function eventEntry(event: ProgressEvent, time: Date): EventEntry {
  const ref = refOf(event);
  return {
    apiVersion: API_VERSION,
    kind: "Event",
    type: event.type,
    time: time.toISOString(),
    namespace: ref?.namespace ?? (event.type === "labelled" ? event.namespace : null),
    workloadKind: ref?.kind ?? null,
    name: ref?.name ?? null,
    message: messageOf(event),
    ...(event.cluster === undefined ? {} : { cluster: event.cluster }),
    code: codeOf(event),
    ready: "ready" in event ? event.ready : null,
    wanted: "wanted" in event ? event.wanted : null,
    ...changeEntry(event),
    ...("wave" in event && { wave: event.wave, waves: event.of }),
  };
}

/** Formats the end of a soak, as the end of a sentence. */
export function soakText({ result, message, workload }: SoakText): string {
  if (result === "passed") return `passed, ${message}`;
  return `${result}, ${workload ? `${workloadPath(workload)}: ` : ""}${message}`;
}

interface SoakText extends Pick<SoakResult, "result" | "message"> {
  readonly workload?: Omit<WorkloadRef, "uid"> | null;
}

/** Formats a change of images: `v1.27.7-1 -> v1.27.9-6`; of revisions, if the image stays. */
export function changeText(from: readonly From[], to: Target): string {
  const isMove = largestChange(from.map((group) => changeTo(to, group))) === "revision";
  const texts = from.map(({ image, revision }) =>
    isMove ? (revision ?? "?") : shortImage(image ?? null, to.image),
  );
  const beside = from.find(({ image }) => image !== undefined)?.image ?? null;
  return `${[...new Set(texts)].join(",")} -> ${isMove ? to.revision : shortImage(to.image, beside)}`;
}

/** Formats a workload with its namespace: `shop/deploy/web`. */
export function workloadPath({ namespace, kind, name }: Omit<WorkloadRef, "uid">): string {
  return `${namespace}/${shortKind(kind)}/${name}`;
}

function messageOf<Event extends ProgressEvent>(event: Event): string {
  const format = MESSAGES[event.type] as (event: Event) => string;
  return format(event);
}

function endingText(result: StepResult): string {
  // A dry run skips every workload, so the outcome says nothing.
  if (result.code === "dry-run") return result.message;
  return `${result.outcome}, ${result.message}`;
}

/**
 * Formats the time from the restart to the result, in full seconds; at least one. Every `check` loads
 * this file, so it does without pretty-ms.
 */
function timeTaken({ startedAt, finishedAt }: StepResult): string | undefined {
  if (startedAt === undefined) return undefined;
  const all = Math.max(1, Math.round((finishedAt.getTime() - startedAt.getTime()) / 1000));
  const minutes = Math.floor(all / 60);
  return minutes === 0 ? `${all}s` : `${minutes}m ${all % 60}s`;
}

function refOf(event: ProgressEvent): WorkloadRef | undefined {
  if (event.type === "ended") return event.result.ref;
  return "ref" in event ? event.ref : undefined;
}

function codeOf(event: ProgressEvent): string | null {
  if (event.type === "ended") return event.result.code;
  if (event.type === "soaked") return SOAK_CODES[event.soak.result];
  if (event.type === "gate-answered") return GATE_CODES[event.gate.result];
  return event.type === "stopped" ? event.reason : null;
}

function changeEntry(event: ProgressEvent): Pick<EventEntry, "from" | "to"> {
  const restart = event.type === "ended" ? event.result : event;
  if (!("to" in restart)) return { from: null, to: null };
  return { from: restart.from.map(fromEntry), to: restart.to };
}
