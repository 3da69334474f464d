import { setFlagsFromString } from "node:v8";
import pLimit from "p-limit";
import { chooseContexts, onlyContext } from "../../connection/fleet-contexts.ts";
import type { Credentials } from "../../connection/credential.ts";
import { loadKubeconfig } from "../../connection/loaded-kubeconfig.ts";
import { CannotRun } from "../../errors.ts";
import { EXIT, type ExitCode } from "../../exit-codes.ts";
import type { FleetCommand, FleetSettings } from "../../fleet.ts";
import { createBodyReader } from "../../http/body.ts";
import { PAGE_SIZE } from "../../http/pages.ts";
import type { Io } from "../../io.ts";
import { API_VERSION, type ErrorDocument } from "../../report/document.ts";
import { errorDocument } from "../../report/error-document.ts";
import { fleetResultLine } from "../../report/exit-reasons.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { fleetDocument } from "../../report/fleet-document.ts";
import { createStepFormatter } from "../../report/next-step-text.ts";
import { packCluster, type PackedCluster } from "../../report/packed-cluster.ts";
import { openProgress } from "../../report/progress.ts";
import { writeResultLine } from "../../report/result-line.ts";
import type { CommonSettings } from "../../settings.ts";
import { type ReadCluster, reportCluster } from "../report-clusters.ts";
import { publishDocument } from "../report.ts";
import { createReportFiles } from "../report-file.ts";
import { runUntilSignal, type SignalName } from "../restart/interruption.ts";
import { withCluster } from "../session.ts";
import { createFleetProgress } from "./fleet-progress.ts";
import { createLoginDesk } from "./login-desk.ts";

type WithFleet<Settings> = Settings & { readonly fleet: FleetSettings };

/**
 * Runs a command for each context that the settings choose, several at a time, and prints one report. A
 * cluster that cannot be read is an error in the report, and never ends the run.
 *
 * @throws UsageError if a name or a pattern matches no context.
 * @throws CannotRun if the kubeconfig cannot be read.
 */
export async function reportFleet<Settings extends CommonSettings>(
  command: FleetCommand,
  settings: WithFleet<Settings>,
  version: string,
  io: Io,
  read: ReadCluster<Settings>,
): Promise<ExitCode> {
  const { fleet, display, connection } = settings;
  const loaded = loadKubeconfig(connection.kubeconfig, io.env);
  const only = onlyContext(fleet, loaded);
  if (only !== undefined) return reportOnly(only, settings, version, io, read);
  const { names, notes } = chooseContexts(fleet, loaded);
  const reportFile = await createReportFiles(display.reportFiles, io);
  const shown = await openProgress(io, display);
  const progress = createFleetProgress(shown, names.length);
  const logins = createLoginDesk(shown, io);
  const atOnce = Math.min(fleet.maxClusters, names.length);
  const readBody = createBodyReader(undefined, atOnce);
  const pageSize = sharedPageSize(atOnce);
  const shared = new Map<string, Credentials>();
  const packed = new Map<string, PackedCluster>();
  const limit = pLimit(fleet.maxClusters);
  if (atOnce > 1) setFlagsFromString(FREQUENT_COLLECTION);

  async function readOne(name: string, ended: AbortSignal): Promise<void> {
    if (ended.aborted) return;
    const own = { ...settings, connection: { ...connection, context: name } };
    const host = { loaded, shared, ended, ...logins(name) };
    const surroundings = {
      reportFile,
      progress: progress.of(name),
      host,
      readBody,
      pageSize,
      ended,
    };
    const reading = await withCluster<Settings, PackedCluster>(
      own,
      version,
      endingIo(io, ended),
      surroundings,
      async (session) => packCluster(await read(session)),
    ).catch((error: unknown) => {
      if (!ended.aborted) writeStacks(error, io);
      return packCluster({ document: failureOf(name, error, own), fields: undefined });
    });
    if (ended.aborted) return;
    packed.set(name, reading);
    progress.finish(name, reading.digest);
  }

  const ending = await runUntilSignal(io, (ended) =>
    Promise.all(names.map((name) => limit(() => readOne(name, ended)))),
  );
  const signal = ending.kind === "signal" ? ending.signal : undefined;
  const document = fleetDocument(
    { command, version, generatedAt: io.now().toISOString(), notes, exitZero: settings.exitZero },
    names.map(
      (name) =>
        packed.get(name) ??
        packCluster({ document: interruptedDocument(name, signal), fields: undefined }),
    ),
  );
  if (signal !== undefined) reportFile.hurry();
  await publishDocument({ io, settings, progress: shown, reportFile }, document);
  const fields = [...packed.values()].flatMap((cluster) => cluster.fields ?? []);
  await writeResultLine(io, fleetResultLine(document, fields), display);
  return document.exitCode;
}

/**
 * Lets V8 collect garbage when the heap has grown by half. By default, it waits until the heap has a
 * multiple of what was in use, and with several clusters at the same time, much is in use.
 */
const FREQUENT_COLLECTION = "--heap-growing-percent=50";

/** The least number of items in a page: more requests would cost more than they save. */
const LEAST_ITEMS = 50;

/**
 * Divides a page among the clusters that are read at the same time: the pages of all of them take as much
 * memory as those of one.
 */
function sharedPageSize(clusters: number): number {
  return Math.max(LEAST_ITEMS, Math.ceil(PAGE_SIZE / clusters));
}

/** Reports one cluster, whose context has a name like a list or a pattern. */
async function reportOnly<Settings extends CommonSettings>(
  context: string,
  settings: Settings,
  version: string,
  io: Io,
  read: ReadCluster<Settings>,
): Promise<ExitCode> {
  const { connection, istioNamespace } = settings;
  const own = { ...settings, connection: { ...connection, context } };
  try {
    return await reportCluster(own, version, io, read);
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    // Nobody else knows that the flag names one context.
    const formatStep = createStepFormatter({ ...own.connection, istioNamespace });
    const { message, hint, code } = error;
    throw new CannotRun(message, formatStep(hint), { cause: error, code });
  }
}

/** Returns the outside world of a cluster, in which nobody sleeps after a signal. */
function endingIo(io: Io, ended: AbortSignal): Io {
  return {
    ...io,
    sleep: (milliseconds, signal) =>
      io.sleep(milliseconds, signal === undefined ? ended : AbortSignal.any([signal, ended])),
  };
}

function failureOf(
  context: string,
  error: unknown,
  { connection, istioNamespace }: CommonSettings,
): ErrorDocument {
  return errorDocument(
    error,
    context,
    createStepFormatter({ kubeconfig: connection.kubeconfig, context, istioNamespace }),
  );
}

function interruptedDocument(context: string, signal: SignalName | undefined): ErrorDocument {
  const isEnd = signal === "SIGTERM";
  const code = isEnd ? "terminated" : "interrupted";
  return {
    apiVersion: API_VERSION,
    kind: "Error",
    cluster: { context },
    code,
    message: `${code} before this cluster was read`,
    hint: "run the command again when you are ready",
    exitCode: isEnd ? EXIT.terminated : EXIT.interrupted,
  };
}
