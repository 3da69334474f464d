import type { Ora } from "ora";
import type { Io } from "../io.ts";
import type { StepResult } from "../rollout/result.ts";
import type { DisplaySettings } from "../settings.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { shortKind } from "../mesh/kinds.ts";
import { shortImage } from "./image-text.ts";
import { plain } from "./plain.ts";

/** What happens during a run, as data: an event without a formatter does not compile. */
export type ProgressEvent =
  | { readonly type: "reading"; readonly what: string }
  | { readonly type: "started"; readonly ref: WorkloadRef; readonly image: string }
  | {
      readonly type: "rolling";
      readonly ref: WorkloadRef;
      readonly message: string;
      readonly ready: number;
      readonly wanted: number;
    }
  | { readonly type: "waiting"; readonly ref: WorkloadRef; readonly message: string }
  | { readonly type: "ended"; readonly result: StepResult }
  | { readonly type: "stopping"; readonly message: string };

export interface Progress {
  emit(event: ProgressEvent): void;
  /** Clears what is live on the terminal; to be called before anything else is printed. */
  stop(): void;
}

type Formatters = {
  readonly [Type in ProgressEvent["type"]]: (
    event: Extract<ProgressEvent, { readonly type: Type }>,
  ) => string;
};

const FORMATTERS: Formatters = {
  reading: ({ what }) => `reading ${what}`,
  started: ({ ref, image }) => `${place(ref)}: restarting, to ${shortImage(image, null)}`,
  rolling: ({ ref, message, ready, wanted }) =>
    `${place(ref)}: ${ready} of ${wanted} new pods ready; ${message}`,
  waiting: ({ ref, message }) => `${place(ref)}: waiting, ${message}`,
  ended: ({ result }) => `${place(result.ref)}: ${result.outcome}, ${result.message}`,
  stopping: ({ message }) => message,
};

export function formatEvent<Event extends ProgressEvent>(event: Event): string {
  const format = FORMATTERS[event.type] as (event: Event) => string;
  return plain(format(event));
}

function place({ namespace, kind, name }: WorkloadRef): string {
  return `${namespace}/${shortKind(kind)}/${name}`;
}

/** A spinner on a terminal, plain dated lines in a log, nothing when quiet. */
export async function openProgress(io: Io, { quiet }: DisplaySettings): Promise<Progress> {
  if (quiet) return { emit: () => undefined, stop: () => undefined };
  if (io.stderr.isTTY !== true || io.env["TERM"] === "dumb") return logProgress(io);
  const { default: ora } = await import("ora");
  const stream = io.stderr as NodeJS.WriteStream;
  return spinnerProgress(ora({ stream, color: false, discardStdin: false }));
}

function logProgress(io: Io): Progress {
  return {
    emit: (event) => {
      // Reading takes moments, and says nothing that a log needs.
      if (event.type === "reading") return;
      const time = `${io.now().toISOString().slice(0, 19)}Z`;
      io.stderr.write(`${time} ${formatEvent(event)}\n`);
    },
    stop: () => undefined,
  };
}

function spinnerProgress(spinner: Ora): Progress {
  return {
    emit: (event) => {
      const text = formatEvent(event);
      if (event.type === "ended") {
        const good = event.result.outcome === "restarted" || event.result.outcome === "waited";
        spinner[good ? "succeed" : "fail"](text).start(text);
      } else if (event.type === "stopping") {
        spinner.warn(text).start(text);
      } else {
        spinner.text = text;
        if (!spinner.isSpinning) spinner.start();
      }
    },
    stop: () => spinner.stop(),
  };
}
