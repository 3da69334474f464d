import { formatDuration } from "../../duration-text.ts";
import { messageOf } from "../../errors.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { toJson } from "../../report/json.ts";
import { waveDocument } from "../../report/waves.ts";
import { judgeGate } from "../../rollout/gate.ts";
import type { StepResult } from "../../rollout/result.ts";
import type { WaveStopReason } from "../../rollout/schedule.ts";
import type { WaveTask } from "../../rollout/wave-schedule.ts";
import {
  type GateResult,
  soakedMembers,
  type SoakResult,
  type WaveChecked,
  waveProgress,
} from "../../rollout/wave-result.ts";
import type { Wave } from "../../rollout/waves.ts";
import type { Io } from "../../io.ts";
import { documentHead } from "../report.ts";
import { askGate } from "./gate.ts";
import type { Gate } from "./gate-file.ts";
import type { RestartSession } from "./restart-session.ts";
import { soakWave } from "./soak.ts";

/** The waves of a run, and the work around each. */
export interface WavesOfRun {
  readonly waves: readonly Wave[];
  /** Milliseconds of the soak after each wave; 0 for none. */
  readonly soak: number;
  /** The program that is asked after each wave, with its timeout in milliseconds. */
  readonly gate: (Gate & { readonly timeout: number }) | undefined;
}

/** The end of a task: what is recorded about the wave, and the reason if the run must stop. */
export interface TaskEnd {
  readonly task: WaveTask;
  readonly checked: WaveChecked;
  readonly stop: { readonly reason: WaveStopReason; readonly message: string } | undefined;
}

/**
 * Performs the work after the restarts of a wave. Never rejects: an error is a stop.
 *
 * @param results the results so far, by the uids of the workloads.
 */
export async function performTask(
  session: RestartSession,
  run: WavesOfRun,
  task: WaveTask,
  checked: WaveChecked,
  results: ReadonlyMap<string, StepResult>,
  abort: AbortSignal,
): Promise<TaskEnd> {
  const wave = run.waves[task.wave - 1];
  const none: TaskEnd = { task, checked: {}, stop: undefined };
  if (wave === undefined) return none;
  try {
    switch (task.kind) {
      case "soak":
        return await soak(session, run, wave, results, abort);
      case "ask-gate":
        return await ask(session, run, wave, checked, results, abort);
    }
  } catch (error) {
    writeStacks(error, session.io);
    return { ...none, ...unexpected(session, run, task, messageOf(error)) };
  }
}

async function soak(
  session: RestartSession,
  { waves, soak: duration }: WavesOfRun,
  wave: Wave,
  results: ReadonlyMap<string, StepResult>,
  abort: AbortSignal,
): Promise<TaskEnd> {
  const { progress } = session;
  const place = { wave: wave.number, of: waves.length };
  progress.emit({ type: "soaking", ...place, duration });
  const members = soakedMembers(wave, results, session.io.now().getTime());
  const result = await soakWave(session, members, duration, abort);
  progress.emit({ type: "soaked", ...place, soak: result });
  const task = { kind: "soak", wave: wave.number } as const;
  return { task, checked: { soak: result }, stop: stopOfSoak(result, place) };
}

function stopOfSoak(
  { result, message, workload }: SoakResult,
  { wave, of }: { readonly wave: number; readonly of: number },
): TaskEnd["stop"] {
  if (result !== "failed" && result !== "unread") return undefined;
  const whose = workload === undefined ? "" : `${workload.namespace}/${workload.name}: `;
  return {
    reason: result === "failed" ? "soak-failed" : "soak-unread",
    message: `no new restarts after the soak of wave ${wave} of ${of}: ${whose}${message}`,
  };
}

async function ask(
  session: RestartSession,
  { waves, gate }: WavesOfRun,
  wave: Wave,
  checked: WaveChecked,
  results: ReadonlyMap<string, StepResult>,
  abort: AbortSignal,
): Promise<TaskEnd> {
  const task = { kind: "ask-gate", wave: wave.number } as const;
  if (gate === undefined) return { task, checked: {}, stop: undefined };
  const { io, progress } = session;
  const place = { wave: wave.number, of: waves.length };
  const { command } = gate;
  progress.emit({ type: "gate-asked", ...place, command, timeout: gate.timeout });
  const startedAt = io.now();
  const [own] = waveProgress([wave], [...results.values()]);
  const document =
    own && waveDocument(documentHead(session), own, place.of, checked, session.formatStep);
  const question = {
    path: gate.path,
    env: gateEnvironment(session, place),
    input: `${toJson(document)}\n`,
    timeout: gate.timeout,
  };
  const { end, output, omitted } = await askGate(io, question, abort);
  const judgement = judgeGate(end);
  const times = { startedAt, finishedAt: io.now() };
  const result: GateResult = { ...judgement, command, output, omitted, ...times };
  progress.emit({ type: "gate-answered", ...place, gate: result });
  return { task, checked: { gate: result }, stop: stopOfGate(result, place) };
}

function stopOfGate(
  { result, message, command }: GateResult,
  { wave, of }: { readonly wave: number; readonly of: number },
): TaskEnd["stop"] {
  if (result !== "refused" && result !== "unanswered") return undefined;
  return {
    reason: result === "refused" ? "gate-refused" : "gate-unanswered",
    message: `no new restarts after wave ${wave} of ${of}: the gate ${command} ${message}`,
  };
}

/** The environment of a gate: that of the program, and the place in the run. */
function gateEnvironment(
  { io, settings, api: { connection } }: RestartSession,
  { wave, of }: { readonly wave: number; readonly of: number },
): Io["env"] {
  const { kubeconfig } = settings.connection;
  return {
    ...io.env,
    ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }),
    ISTIO_UPGRADE_WAVE: String(wave),
    ISTIO_UPGRADE_WAVES: String(of),
    ISTIO_UPGRADE_CONTEXT: connection.context,
    ISTIO_UPGRADE_ISTIO_NAMESPACE: settings.istioNamespace,
  };
}

/** Fails closed: a check that ends with an unexpected error has not passed. */
function unexpected(
  { io }: RestartSession,
  { waves, gate, soak: duration }: WavesOfRun,
  { kind, wave }: WaveTask,
  problem: string,
): Pick<TaskEnd, "checked" | "stop"> {
  const message = `an unexpected error: ${problem}`;
  const times = { startedAt: io.now(), finishedAt: io.now() };
  const after = `no new restarts after wave ${wave} of ${waves.length}`;
  switch (kind) {
    case "soak":
      return {
        checked: { soak: { result: "unread", message, nextStep: "", ...times } },
        stop: {
          reason: "soak-unread",
          message: `${after}: the soak of ${formatDuration(duration)} ended with ${message}`,
        },
      };
    case "ask-gate":
      return {
        checked: {
          gate: {
            result: "unanswered",
            exitCode: undefined,
            message,
            command: gate?.command ?? "",
            output: "",
            omitted: 0,
            ...times,
          },
        },
        stop: { reason: "gate-unanswered", message: `${after}: ${message}` },
      };
  }
}
