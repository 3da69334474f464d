import { selectNamespaces } from "../cluster/namespaces.ts";
import { askedAnnotations } from "../grouping.ts";
import { type Api, openApi } from "../http/api.ts";
import { formatSelector } from "../kubernetes/selector.ts";
import type { BodyReader } from "../http/body.ts";
import { type ConnectionHost, loadConnection } from "../connection/kubeconfig.ts";
import { UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import type { Command } from "../next-step.ts";
import { createStepFormatter, type StepFormatter } from "../report/next-step-text.ts";
import { plain } from "../report/plain.ts";
import type { Progress } from "../report/progress-event.ts";
import { openProgress } from "../report/progress.ts";
import { type CommonSettings, encodingOf } from "../settings.ts";
import { createProver, type Prover } from "./prover.ts";
import { createReportFiles, type ReportFile } from "./report-file.ts";
import type { Namespace } from "../snapshot.ts";

/** The state of a running command: the cluster, the settings and the outside world. */
export interface Session<Settings extends CommonSettings = CommonSettings> {
  readonly api: Api;
  readonly settings: Settings;
  /** The namespaces to read; `undefined` for all. */
  readonly namespaces: readonly string[] | undefined;
  /** The namespaces that `--namespace-selector` matched at the start; `undefined` without it. */
  readonly selected: ReadonlyMap<string, Namespace> | undefined;
  readonly version: string;
  readonly io: Io;
  readonly progress: Progress;
  readonly prover: Prover;
  /** Prints a next step with the flags that lead to this cluster. */
  readonly formatStep: StepFormatter;
  /** Notes for the user that are not part of the assessment, each once. */
  readonly notes: Set<string>;
  readonly reportFile: ReportFile;
  /** The command that continues this one; absent if a restart does. */
  readonly again?: Command;
}

/**
 * Connects to the cluster, runs a command, and closes everything afterwards.
 *
 * @throws CannotRun if no cluster is configured, or the namespaces to select from cannot be listed.
 */
export async function withSession<Settings extends CommonSettings, Value>(
  settings: Settings,
  version: string,
  io: Io,
  run: (session: Session<Settings>) => Promise<Value>,
): Promise<Value> {
  const reportFile = await createReportFiles(settings.display.reportFiles, io);
  const progress = await openProgress(io, settings.display);
  return withCluster(settings, version, io, { reportFile, progress }, run);
}

/** The parts of a session that several clusters share. */
export interface Surroundings {
  readonly progress: Progress;
  readonly reportFile: ReportFile;
  readonly host?: ConnectionHost;
  readonly readBody?: BodyReader;
  readonly pageSize?: number;
  /** Ends all requests when it fires. */
  readonly ended?: AbortSignal;
}

/**
 * Does the same as `withSession` in given surroundings.
 *
 * @throws CannotRun if no cluster is configured.
 */
export async function withCluster<Settings extends CommonSettings, Value>(
  settings: Settings,
  version: string,
  io: Io,
  { progress, reportFile, host, readBody, pageSize, ended }: Surroundings,
  run: (session: Session<Settings>) => Promise<Value>,
): Promise<Value> {
  const connection = await loadConnection(settings.connection, io.env, {
    now: () => io.now().getTime(),
    terminal: io.stdin.isTTY === true,
    pauseProgress: () => progress.pause(),
    ...host,
  });
  // First, because a plugin that logs in talks to the user.
  await connection.authorize();
  const api = openApi(connection, settings.connection.requestTimeout, {
    now: () => io.now().getTime(),
    sleep: (milliseconds, signal) => io.sleep(milliseconds, signal),
    random: () => io.random(),
    trace: settings.display.verbose ? (line) => io.stderr.write(`${plain(line)}\n`) : undefined,
    encoding: encodingOf(io.env),
    ...(readBody && { readBody }),
    pageSize,
  });
  ended?.addEventListener("abort", api.close);
  if (ended?.aborted === true) api.close();
  try {
    const selected = await selectedNamespaces(api, settings);
    const namespaces = selected
      ? [...selected.keys()]
      : namespacesOf(settings.scope, connection.namespace);
    const prover = createProver(api, settings.prove);
    return await run({
      api,
      settings,
      namespaces,
      selected,
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
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { context } = connection;
    throw new UsageError(error.message, error.hint, { cause: error, context });
  } finally {
    ended?.removeEventListener("abort", api.close);
    progress.stop();
    api.close();
  }
}

/**
 * Selects the namespaces once: a run restarts and verifies those that the user agreed to, even if
 * somebody changes their labels meanwhile.
 */
async function selectedNamespaces(
  api: Api,
  { scope, grouping }: CommonSettings,
): Promise<Session["selected"]> {
  if (scope.namespaceSelector === undefined) return undefined;
  const labelSelector = formatSelector(scope.namespaceSelector.parsed);
  return selectNamespaces(api, labelSelector, askedAnnotations(grouping));
}

function namespacesOf(
  { namespaces, workloads }: CommonSettings["scope"],
  own: string,
): readonly string[] | undefined {
  if (namespaces.length > 0) return namespaces;
  return workloads.length > 0 ? [own] : undefined;
}
