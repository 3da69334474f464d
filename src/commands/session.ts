import { type Api, openApi } from "../http/api.ts";
import { loadConnection } from "../connection/kubeconfig.ts";
import type { Io } from "../io.ts";
import { createStepFormatter, type StepFormatter } from "../report/next-step-text.ts";
import { plain } from "../report/plain.ts";
import type { Progress } from "../report/progress-event.ts";
import { openProgress } from "../report/progress.ts";
import { type CommonSettings, encodingOf } from "../settings.ts";
import { createProver, type Prover } from "./prover.ts";
import { createReportFile, type ReportFile } from "./report-file.ts";

/** The state of a running command: the cluster, the settings and the outside world. */
export interface Session<Settings extends CommonSettings = CommonSettings> {
  readonly api: Api;
  readonly settings: Settings;
  /** The namespaces to read; `undefined` for all. */
  readonly namespaces: readonly string[] | undefined;
  readonly version: string;
  readonly io: Io;
  readonly progress: Progress;
  readonly prover: Prover;
  /** Prints a next step with the flags that lead to this cluster. */
  readonly formatStep: StepFormatter;
  /** Notes for the user that are not part of the assessment, each once. */
  readonly notes: Set<string>;
  readonly reportFile: ReportFile;
}

/**
 * Connects to the cluster, runs a command, and closes everything afterwards.
 *
 * @throws CannotRun if no cluster is configured.
 */
export async function withSession<Settings extends CommonSettings, Value>(
  settings: Settings,
  version: string,
  io: Io,
  run: (session: Session<Settings>) => Promise<Value>,
): Promise<Value> {
  const reportFile = await createReportFile(settings.display.reportFile);
  const progress = await openProgress(io, settings.display);
  const connection = await loadConnection(settings.connection, io.env, {
    now: () => io.now().getTime(),
    terminal: io.stdin.isTTY === true,
    clearProgress: () => progress.stop(),
  });
  // First, because a plugin that logs in talks to the user.
  await connection.authorize();
  const api = openApi(connection, settings.connection.requestTimeout, {
    now: () => io.now().getTime(),
    sleep: (milliseconds, signal) => io.sleep(milliseconds, signal),
    random: () => io.random(),
    trace: settings.display.verbose ? (line) => io.stderr.write(`${plain(line)}\n`) : undefined,
    encoding: encodingOf(io.env),
  });
  try {
    const namespaces = namespacesOf(settings.scope, connection.namespace);
    const prover = createProver(api, settings.prove);
    return await run({
      api,
      settings,
      namespaces,
      version,
      io,
      progress,
      prover,
      formatStep: createStepFormatter({
        ...settings.connection,
        istioNamespace: settings.istioNamespace,
      }),
      notes: new Set(),
      reportFile,
    });
  } finally {
    progress.stop();
    api.close();
  }
}

function namespacesOf(
  { namespaces, workloads }: CommonSettings["scope"],
  own: string,
): readonly string[] | undefined {
  if (namespaces.length > 0) return namespaces;
  return workloads.length > 0 ? [own] : undefined;
}
