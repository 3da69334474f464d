import type { Output } from "../io.ts";
import { EXIT, type ExitCode, exitCodeOf, type ExitReason } from "../exit-codes.ts";
import {
  type AnyDocument,
  API_VERSION,
  type CheckReport,
  type DocumentHead,
  type Report,
} from "../report/document.ts";
import { gapEntry, summaryEntry, targetEntries } from "../report/entries.ts";
import { isRestartable } from "../report/entry-status.ts";
import { countEntries, resultLine, verdictReasons } from "../report/exit-reasons.ts";
import { loadRenderer } from "../report/render.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { revisionNote } from "../report/revision-note.ts";
import { styleFor } from "../report/style.ts";
import { istioUpgrade } from "../next-step.ts";
import { includedBy } from "../settings.ts";
import type { ScopeEntries } from "./assess-scope.ts";
import type { Session } from "./session.ts";

/** The part of a report that does not depend on the exit code. */
export type ReportBody = Omit<CheckReport, "kind" | "exitCode" | "exitReasons" | "nextStep">;

export function reportBody(session: Session, seen: ScopeEntries): ReportBody {
  const { settings, namespaces } = session;
  const { scope } = settings;
  const workloads = seen.entries;
  return {
    ...documentHead(session),
    scope: {
      namespaces: namespaces ?? null,
      workloads: scope.workloads.map(({ kind, name }) => `${kind}/${name}`),
      selector: scope.selector?.text ?? null,
      revision: scope.revision ?? null,
      exclude: scope.excludes.map(({ text }) => text),
      include: includedBy(settings.consent),
    },
    complete: seen.gaps.length === 0 && workloads.every(({ verdict }) => verdict !== "unknown"),
    gaps: seen.gaps.map((gap) => gapEntry(gap, session.formatStep)),
    notes: [...session.prover.notes(), ...session.notes, ...seen.notes],
    targets: targetEntries(seen.mesh),
    workloads,
    summary: summaryEntry(workloads),
  };
}

/** Returns the fields that every document begins with. */
export function documentHead({ api, settings, version, io }: Session): DocumentHead {
  return {
    apiVersion: API_VERSION,
    generatedAt: io.now().toISOString(),
    version,
    cluster: {
      context: api.connection.context,
      server: serverAddress(api.connection.server),
      istioNamespace: settings.istioNamespace,
    },
  };
}

/** Returns the address with its path: clusters behind one proxy may differ only in their paths. */
export function serverAddress({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/$/, "")}`;
}

type ReportOf<Kind extends Report["kind"]> = Extract<Report, { readonly kind: Kind }>;

/** The fields that only one kind of report has. */
type OwnFields<Kind extends Report["kind"]> = Omit<
  ReportOf<Kind>,
  keyof ReportBody | "exitCode" | "exitReasons" | "nextStep"
>;

/**
 * Adds the exit code, its reasons and the next step to a report.
 *
 * @param reasons the reasons against exit code 0 besides verdicts and gaps.
 */
export function completeReport<Kind extends Report["kind"]>(
  session: Session,
  body: ReportBody,
  own: OwnFields<Kind> & { readonly kind: Kind },
  reasons: readonly ExitReason[],
): ReportOf<Kind> {
  const dryRun = "dryRun" in own && own.dryRun !== null;
  // A dry run succeeds with any content of the plan.
  const found = verdictReasons(
    body.workloads,
    body.gaps.length,
    body.scope.include.includes("missing"),
    session.settings.failOn,
  ).filter(({ code }) => !dryRun || code === EXIT.incomplete);
  const all = [...reasons, ...found];
  const { apiVersion, ...rest } = body;
  const report: object = {
    apiVersion,
    ...own,
    ...rest,
    nextStep: nextStep(session, body, own.kind === "CheckReport"),
    exitCode: session.settings.exitZero ? EXIT.ok : exitCodeOf(all),
    exitReasons: all.map(({ text }) => text),
  };
  return report as ReportOf<Kind>;
}

/** Completes and prints a report: the document on stdout, the RESULT line last on stderr. */
export async function publishReport<Kind extends Report["kind"]>(
  session: Session,
  body: ReportBody,
  own: OwnFields<Kind> & { readonly kind: Kind },
  reasons: readonly ExitReason[],
): Promise<ExitCode> {
  const note = own.kind === "RestartReport" ? undefined : revisionNote(body);
  const noted = note ? { ...body, notes: [...body.notes, session.formatStep(note)] } : body;
  const report: Report = completeReport<Kind>(session, noted, own, reasons);
  await publishDocument(session, report);
  const counts = countEntries(report.workloads, report.gaps.length);
  session.io.stderr.write(`${resultLine(report.exitCode, report.cluster.context, counts)}\n`);
  return report.exitCode;
}

/** Prints a document in the format of `--output`, and writes it to `--report-file`. */
export async function publishDocument(
  { io, settings, progress, reportFile }: Session,
  document: AnyDocument,
): Promise<void> {
  const { display } = settings;
  progress.stop();
  const render = await loadRenderer(display.output);
  writeInPieces(io.stdout, render(document, styleFor(io.stdout, display, io)));
  await reportFile.write(document);
}

/** The number of characters in one write. */
const WRITE_SIZE = 64 * 1024;

function writeInPieces(output: Output, pieces: Iterable<string>): void {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < WRITE_SIZE) continue;
    output.write(text);
    text = "";
  }
  output.write(text);
}

/** If there are more namespaces, the command names none of them. */
const MOST_NAMED = 3;

/** Returns the command that restarts the workloads which a restart fixes; empty if there are none. */
function nextStep(
  { settings, namespaces, formatStep }: Session,
  { workloads, scope: { include } }: ReportBody,
  isCheck: boolean,
): string {
  // After a restart of everything, nothing is left to do about the current workloads.
  const included = include.filter((name) => isCheck || name !== "current");
  const fixable = workloads.filter(
    (entry) =>
      isRestartable(entry) ||
      (entry.restart === "yes" && included.some((name) => name === entry.verdict)),
  );
  if (fixable.length === 0) return "";
  const { scope } = settings;
  const affected = [...new Set(fixable.map(({ namespace }) => namespace))];
  const everywhere = namespaces === undefined && affected.length > MOST_NAMED;
  const command = istioUpgrade(
    "restart",
    ...scope.workloads.map(({ kind, name }) => resourceName({ kind, name })),
    ...(everywhere ? ["--all-namespaces"] : ["--namespace", affected.join(",")]),
    ...flag("selector", scope.selector?.text),
    ...flag("revision", scope.revision),
    ...scope.excludes.flatMap(({ args }) => args),
    ...(included.length > 0 ? ["--include", included.join(",")] : []),
    ...(settings.consent.downtime ? ["--allow-downtime"] : []),
  );
  return formatStep(command);
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`--${name}`, value];
}
