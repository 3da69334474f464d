import { goDuration } from "../duration.ts";
import { type ExitReason, EXIT } from "../exit-codes.ts";
import type { StepResult } from "../rollout/result.ts";
import { formatWaveSizes, type Wave } from "../rollout/waves.ts";
import {
  type GateResult,
  type SoakResult,
  type WaveChecked,
  type WaveProgress,
  waveProgress,
  type WaveWorkload,
} from "../rollout/wave-result.ts";
import type { WaveSettings } from "../settings.ts";
import type {
  DocumentHead,
  GateEntry,
  PaceEntry,
  SoakEntry,
  WaveDocument,
  WaveEntry,
  WaveWorkloadEntry,
} from "./document.ts";
import { fromEntry } from "./entries.ts";
import { isoDuration } from "./iso-duration.ts";
import type { StepFormatter } from "./next-step-text.ts";
import { GATE_CODES, SOAK_CODES } from "./wave-codes.ts";

export function paceEntry(waves: WaveSettings): PaceEntry {
  const { sizes, soak, gate, gateTimeout } = waves;
  return {
    waves: formatWaveSizes(sizes),
    soak: soak === 0 ? null : isoDuration(soak / 1000),
    gate: gate ?? null,
    gateTimeout: isoDuration(gateTimeout / 1000),
  };
}

/** The flags of a command that continues in the same waves. */
export function waveFlags({ sizes, soak, gate, gateTimeout }: WaveSettings): readonly string[] {
  return [
    ...(sizes.length === 0 ? [] : ["--waves", formatWaveSizes(sizes)]),
    ...(soak === 0 ? [] : ["--soak", goDuration(soak)]),
    ...(gate === undefined ? [] : ["--gate", gate, "--gate-timeout", goDuration(gateTimeout)]),
  ];
}

/** @param checked the checks by the number of the wave. */
export function waveEntries(
  waves: readonly Wave[],
  results: readonly StepResult[],
  checked: ReadonlyMap<number, WaveChecked>,
  formatStep: StepFormatter,
): readonly WaveEntry[] {
  return waveProgress(waves, results).map((wave) => {
    const { soak, gate } = checked.get(wave.number) ?? {};
    return {
      number: wave.number,
      workloads: wave.workloads.map(workloadEntry),
      ...timesOf(wave),
      soak: soak === undefined ? null : soakEntry(soak, formatStep),
      gate: gate === undefined ? null : gateEntry(gate),
    };
  });
}

function timesOf({ startedAt, finishedAt }: WaveProgress) {
  return {
    startedAt: startedAt?.toISOString() ?? null,
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

function workloadEntry({ ref, outcome }: WaveWorkload): WaveWorkloadEntry {
  const { namespace, kind, name } = ref;
  return { namespace, kind, name, outcome: outcome ?? "planned" };
}

function soakEntry(soak: SoakResult, formatStep: StepFormatter): SoakEntry {
  const { result, message, nextStep, workload, pod, container, event } = soak;
  return {
    result,
    message,
    nextStep: formatStep(nextStep),
    workload:
      workload === undefined
        ? null
        : { namespace: workload.namespace, kind: workload.kind, name: workload.name },
    pod: pod ?? null,
    container: container ?? null,
    event: event ?? null,
    startedAt: soak.startedAt.toISOString(),
    finishedAt: soak.finishedAt.toISOString(),
  };
}

function gateEntry(gate: GateResult): GateEntry {
  const { command, result, exitCode, message, output, omitted, startedAt, finishedAt } = gate;
  return {
    command,
    result,
    exitCode: exitCode ?? null,
    message,
    output,
    omittedBytes: omitted,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
  };
}

/** Returns the document on the standard input of a gate. */
export function waveDocument(
  head: DocumentHead,
  wave: WaveProgress,
  of: number,
  { soak }: WaveChecked,
  formatStep: StepFormatter,
): WaveDocument {
  return {
    ...head,
    kind: "Wave",
    number: wave.number,
    of,
    workloads: wave.workloads.map((workload) => ({
      ...workloadEntry(workload),
      from: workload.from.map(fromEntry),
      to: workload.to,
    })),
    ...timesOf(wave),
    soak: soak === undefined ? null : soakEntry(soak, formatStep),
  };
}

/** Returns the reasons against exit code 0 of soaks and gates that did not pass. */
export function waveReasons(checked: ReadonlyMap<number, WaveChecked>): readonly ExitReason[] {
  return [...checked.values()].flatMap(({ soak, gate }) => [
    ...(soak?.result === "failed" ? [{ code: EXIT.failed, text: SOAK_CODES.failed }] : []),
    ...(soak?.result === "unread" ? [{ code: EXIT.outOfTime, text: SOAK_CODES.unread }] : []),
    ...(gate?.result === "refused" ? [{ code: EXIT.failed, text: GATE_CODES.refused }] : []),
    ...(gate?.result === "unanswered"
      ? [{ code: EXIT.outOfTime, text: GATE_CODES.unanswered }]
      : []),
  ]);
}
