import { listing } from "../wording.ts";
import { UNITS, secondsOf } from "./iso-duration.ts";
import type { GateEntry, PaceEntry, RestartReport, SoakEntry, WaveEntry } from "./document.ts";
import { soakText, workloadPath } from "./events.ts";
import { plain } from "./plain.ts";

/** Formats the checks after each wave: `soak 5m, gate ./check-slo`. Empty if there are none. */
export function checksText({ soak, gate }: Pick<PaceEntry, "soak" | "gate">): string {
  const parts = [
    ...(soak === null ? [] : [`soak ${shortDuration(soak)}`]),
    ...(gate === null ? [] : [`gate ${plain(gate)}`]),
  ];
  return parts.join(", ");
}

/** Formats a duration in ISO 8601 as flags take it: `1h30m`. */
function shortDuration(duration: string): string {
  let rest = secondsOf(duration);
  const parts = UNITS.map(([unit, , size]) => {
    const number = size === 1 ? rest : Math.floor(rest / size);
    rest -= number * size;
    return number === 0 ? "" : `${number}${unit}`;
  });
  return parts.join("") || "0s";
}

export const WAVE_HEAD = ["Wave", "Workloads", "Done", "Soak", "Gate", "Names"] as const;

/**
 * Returns the cells of each wave.
 *
 * @param all true to name all workloads, not only the first one.
 */
export function waveRows(
  { waves, pace }: Pick<RestartReport, "waves" | "pace">,
  all: boolean,
): readonly (readonly string[])[] {
  return waves.map(({ number, workloads, soak, gate }) => {
    const names = workloads.map((workload) => plain(workloadPath(workload)));
    // A terminal has room for one name, and the plan and the results have all of them.
    const shown = all ? names : names.slice(0, 1);
    const done = workloads.filter(({ outcome }) => ON_TARGET.has(outcome)).length;
    return [
      `${number}/${waves.length}`,
      String(workloads.length),
      String(done),
      pace === null || pace.soak === null ? "-" : (soak?.result ?? shortDuration(pace.soak)),
      pace === null || pace.gate === null ? "-" : gateCell(gate),
      listing(shown, names.length),
    ];
  });
}

const ON_TARGET: ReadonlySet<WaveEntry["workloads"][number]["outcome"]> = new Set([
  "current",
  "restarted",
  "replaced",
  "waited",
]);

function gateCell(gate: GateEntry | null): string {
  if (gate === null) return "not asked";
  return gate.exitCode === null ? gate.result : `${gate.result} (${gate.exitCode})`;
}

/** A check that did not pass, with its output. */
export interface WaveProblem {
  readonly text: string;
  /** The lines of the output of a gate. */
  readonly output: readonly string[];
  readonly nextStep: string;
}

/** Returns the checks that did not pass. */
export function waveProblems({ waves }: Pick<RestartReport, "waves">): readonly WaveProblem[] {
  return waves.flatMap(({ number, soak, gate }) => {
    const place = `wave ${number} of ${waves.length}`;
    return [
      ...(soak === null || soak.result === "passed" ? [] : [soakProblem(place, soak)]),
      ...(gate === null || gate.result === "passed" ? [] : [gateProblem(place, gate)]),
    ];
  });
}

function soakProblem(place: string, soak: SoakEntry): WaveProblem {
  return { text: `${place}: soak ${soakText(soak)}`, output: [], nextStep: soak.nextStep };
}

function gateProblem(place: string, { command, message, output, omittedBytes }: GateEntry) {
  const lines = output.split(/\r\n|\n|\r/).map(plain);
  while (lines.at(-1) === "") lines.pop();
  const cut = omittedBytes === 0 ? [] : [`(${omittedBytes} bytes before this are left out)`];
  return {
    text: `${place}: the gate ${command} ${message}`,
    output: [...cut, ...lines],
    nextStep: "",
  };
}
