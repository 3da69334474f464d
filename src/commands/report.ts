import { EXIT, type ExitCode, exitCodeOf, type ExitReason } from "../exit-codes.ts";
import {
  API_VERSION,
  type CheckReport,
  type DocumentHead,
  type Report,
  type RestartReport,
  type VerifyReport,
  type WorkloadEntry,
} from "../report/document.ts";
import { gapEntry, summaryEntry, targetEntries, workloadEntry } from "../report/entries.ts";
import { countEntries, reasonsOf } from "../report/exit-reasons.ts";
import { RENDERERS } from "../report/render.ts";
import { resultLine } from "../report/result-line.ts";
import { styleFor } from "../report/style.ts";
import type { CommonSettings } from "../settings.ts";
import type { Look } from "./look.ts";
import type { Session } from "./session.ts";

/** The part of a report that all commands share, before the exit code is known. */
export type Findings = Omit<CheckReport, "kind" | "exitCode" | "exitReasons" | "nextStep">;

export function findingsOf(session: Session, seen: Look, include: readonly string[]): Findings {
  const { settings, namespaces } = session;
  const { scope } = settings;
  const workloads = seen.assessments.map(workloadEntry);
  return {
    ...headOf(session),
    scope: {
      namespaces: namespaces ?? null,
      workloads: scope.workloads.map(({ kind, name }) => `${kind}/${name}`),
      selector: scope.selector?.text ?? null,
      revision: scope.revision ?? null,
      exclude: scope.excludes.map(({ text }) => text),
      include,
    },
    complete: seen.gaps.length === 0 && workloads.every(({ verdict }) => verdict !== "unknown"),
    gaps: seen.gaps.map(gapEntry),
    notes: [...session.prover.notes(), ...session.notes],
    targets: targetEntries(seen.mesh),
    workloads,
    summary: summaryEntry(workloads),
  };
}

/** Where and when a document was made: what every kind begins with. */
export function headOf({ api, settings, version, io }: Session): DocumentHead {
  return {
    apiVersion: API_VERSION,
    generatedAt: io.now().toISOString(),
    version,
    cluster: {
      context: api.connection.context,
      server: api.connection.server.origin,
      istioNamespace: settings.istioNamespace,
    },
  };
}

type Kinded<Kind extends Report["kind"]> = Extract<Report, { readonly kind: Kind }>;

/** What a command adds to the findings. */
type Own<Kind extends Report["kind"]> = Omit<
  Kinded<Kind>,
  keyof Findings | "exitCode" | "exitReasons" | "nextStep"
>;

/**
 * Closes a report and prints it: the result on stdout, the RESULT line last on stderr.
 *
 * @param reasons what speaks against exit 0 beyond the verdicts and gaps.
 */
export function finish(
  session: Session,
  findings: Findings,
  own: Own<"CheckReport"> | Own<"VerifyReport"> | Own<"RestartReport">,
  reasons: readonly ExitReason[],
): ExitCode {
  const { io, settings, progress } = session;
  const counts = countEntries(findings.workloads, findings.gaps.length);
  const dryRun = own.kind === "RestartReport" && own.dryRun !== null;
  const mendsMissing = findings.scope.include.includes("missing");
  // A dry run that could plan is a success, whatever it would restart.
  const found = reasonsOf(counts, mendsMissing).filter(
    ({ code }) => !dryRun || code === EXIT.incomplete,
  );
  const all = [...reasons, ...found];
  const exitCode = exitCodeOf(all);
  const { apiVersion, ...rest } = findings;
  const report = {
    apiVersion,
    ...own,
    ...rest,
    nextStep: nextStep(session, findings, mendsMissing ? mendsMissingToo : mendsOutdated),
    exitCode,
    exitReasons: all.map(({ text }) => text),
  } as CheckReport | VerifyReport | RestartReport;
  progress.stop();
  const { display } = settings;
  io.stdout.write(RENDERERS[display.output](report, styleFor(io.stdout, display, io)));
  io.stderr.write(`${resultLine(exitCode, findings.cluster.context, counts)}\n`);
  return exitCode;
}

/** The command that would mend what a restart can mend, with the flags that lead to the same cluster. */
function nextStep(
  { settings, namespaces }: Session,
  { workloads }: Findings,
  mends: Mends,
): string {
  const mendable = workloads.filter((entry) => mends(entry));
  if (mendable.length === 0) return "";
  const { scope } = settings;
  const places = [...new Set(mendable.map(({ namespace }) => namespace))];
  const everywhere = namespaces === undefined && places.length > MOST_NAMED;
  return [
    "istio-upgrade restart",
    ...scope.workloads.map(({ kind, name }) => `${kind.toLowerCase()}/${name}`),
    ...(everywhere ? ["--all-namespaces"] : ["--namespace", places.join(",")]),
    ...flag("selector", scope.selector && `'${scope.selector.text}'`),
    ...flag("revision", scope.revision),
    ...clusterFlags(settings),
    ...scope.excludes.map(({ text }) => text),
    ...(mends === mendsMissingToo ? ["--include missing"] : []),
  ].join(" ");
}

/** The flags that lead another command to the same cluster. */
export function clusterFlags({ connection, istioNamespace }: CommonSettings): readonly string[] {
  return [
    ...flag("kubeconfig", connection.kubeconfig),
    ...flag("context", connection.context),
    ...flag("istio-namespace", istioNamespace === "aks-istio-system" ? undefined : istioNamespace),
  ];
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}`, value];
}

/** More namespaces than these are not named one by one. */
const MOST_NAMED = 3;

type Mends = (entry: WorkloadEntry) => boolean;

function mendsOutdated({ verdict, restart }: WorkloadEntry): boolean {
  return verdict === "outdated" && restart === "yes";
}

function mendsMissingToo(entry: WorkloadEntry): boolean {
  return mendsOutdated(entry) || (entry.verdict === "missing" && entry.restart === "yes");
}
