import { createInterface } from "node:readline/promises";
import { wrapAnsi } from "fast-wrap-ansi";
import { formatLocal } from "../../deadline.ts";
import { Interrupted, UsageError } from "../../errors.ts";
import { kubectl, sentence } from "../../next-step.ts";
import type { Io } from "../../io.ts";
import type { RestartReport } from "../../report/document.ts";
import { planSize } from "../../report/changes.ts";
import { checksText } from "../../report/wave-rows.ts";
import { plain } from "../../report/plain.ts";
import { type Style, styleFor } from "../../report/style.ts";
import { renderText } from "../../report/text.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { RestartSettings } from "../../settings.ts";
import { count } from "../../wording.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import { labelNotice, pendingNames } from "../move/label-notice.ts";
import type { NamespaceMoves } from "../move/namespace-moves.ts";
import type { Session } from "../session.ts";

/**
 * Checks the flags that protect against a restart in the wrong cluster, before anything is read.
 *
 * @throws UsageError if `--yes` or `--context` is needed and missing.
 */
export function requireConsentRules(
  settings: RestartSettings,
  io: Io,
  command: "restart" | "move" = "restart",
): void {
  const { dryRun, yes } = settings;
  if (dryRun !== undefined) return;
  if (!yes && io.stdin.isTTY !== true) {
    throw new UsageError(
      `${command} asks for confirmation, but there is no terminal`,
      "add --yes, or see the plan first with --dry-run",
    );
  }
  // In a pod the connection shows later whether the cluster is the pod's own.
  if (io.env["KUBERNETES_SERVICE_HOST"] === undefined) requireNamedCluster(settings, false);
}

/**
 * Checks that the user named the cluster if all of it may be restarted without a question. The
 * current context may be any cluster, but the cluster of a pod is always the right one.
 *
 * @throws UsageError if `--context` is missing.
 */
export function requireNamedCluster(
  { dryRun, yes, scope, connection }: RestartSettings,
  inCluster: boolean,
): void {
  const { allNamespaces, namespaceSelector } = scope;
  const isWide = allNamespaces || namespaceSelector !== undefined;
  if (dryRun !== undefined || !yes || !isWide) return;
  if (connection.context !== undefined || inCluster) return;
  const flag = allNamespaces ? "--all-namespaces" : "--namespace-selector";
  throw new UsageError(
    `${flag} with --yes also needs --context: the current context may be another cluster`,
    sentence`see the contexts: ${kubectl("config", "get-contexts")}`,
  );
}

/**
 * Returns the settings of a run that moves pods only to revisions that the user allowed, unless a
 * person is going to answer a question about the plan. A dry run shows what the real run would do.
 */
export function withRevisionConsent<Settings extends RestartSettings>(
  settings: Settings,
  io: Io,
): Settings {
  const { yes, consent, allowRevisions } = settings;
  const isAsked = !yes && io.stdin.isTTY === true;
  return {
    ...settings,
    consent: { ...consent, revisions: isAsked ? "asked" : allowRevisions },
  };
}

/**
 * Checks that every revision of `--allow-revision` is installed. A tag is rejected: the flag protects
 * against a tag that somebody moves.
 *
 * @throws UsageError if one is not.
 */
export function requireInstalledRevisions(
  { allowRevisions }: RestartSettings,
  { mesh, assessments }: Pick<ScopeAssessment, "mesh" | "assessments">,
): void {
  const { revisions, revisionsUnread, injectors = [] } = mesh;
  if (revisionsUnread) return;
  const installed = new Set([
    ...revisions.keys(),
    ...injectors.flatMap(({ revision }) => revision ?? []),
    // A dry run may show a revision whose control plane is elsewhere.
    ...assessments.flatMap(({ target }) => target?.revision ?? []),
  ]);
  const unknown = allowRevisions.find((name) => !installed.has(name));
  if (unknown === undefined) return;
  const tagged = injectors.find(({ tag }) => tag === unknown)?.revision;
  throw tagged === undefined
    ? new UsageError(
        `--allow-revision "${unknown}" is not an installed revision`,
        `use one of: ${[...installed].sort().join(", ")}`,
      )
    : new UsageError(
        `--allow-revision "${unknown}" is a tag, which can be moved to any revision`,
        `name the revision that it leads to now: ${tagged}`,
      );
}

/** Shows the plan on stderr and asks for consent, unless `--yes` was given. */
export async function askConsent(
  session: Session<RestartSettings> & { readonly move?: NamespaceMoves },
  plan: Plan,
  document: RestartReport,
  deadline: Date | undefined,
  abort: AbortSignal,
): Promise<boolean> {
  const { settings, io, api, progress, move } = session;
  const labels = move === undefined ? 0 : pendingNames(move).length;
  if (settings.yes || (plan.steps.length === 0 && labels === 0)) return true;
  progress.stop();
  const style = styleFor(io.stderr, settings.display, io);
  io.stderr.write(`${[...renderText(document, style, false)].join("")}\n`);
  const context = plain(api.connection.context);
  const what = planSize(document.steps);
  const failures = `stop after ${count(settings.maxFailures, "failure")}`;
  const pace = `${settings.maxParallel} at a time, ${failures}${wavesText(document)}`;
  if (deadline !== undefined) {
    io.stderr.write(`No restart starts after ${formatLocal(deadline)}.\n`);
  }
  if (settings.inPlace) io.stderr.write(`${wrapped(inPlaceNotice(), style)}\n`);
  const verb = settings.inPlace ? "Replace the sidecars in place of" : "Restart";
  if (settings.scope.allNamespaces) {
    const question = `${verb} ${what} in all namespaces of "${context}", ${pace}? Type the context name (${context}) to confirm: `;
    const name = (await askQuestion(io, wrapped(question, style), abort)).trim();
    // An invisible name would equal an empty answer.
    return name !== "" && name === context;
  }
  if (move !== undefined && labels > 0) io.stderr.write(`${wrapped(labelNotice(move), style)}\n`);
  const action =
    move !== undefined && labels > 0
      ? `Label ${count(labels, "namespace")} (${plain(pendingNames(move).join(", "))}) for ${move.target.label}, and restart`
      : verb;
  const question = `${action} ${what} in "${context}", ${pace}? [y/N] `;
  const answer = await askQuestion(io, wrapped(question, style), abort);
  return /^y(es)?$/i.test(answer.trim());
}

/** Says what a replacement in place means, which nobody expects of a restart. */
export function inPlaceNotice(): string {
  return "Nothing is restarted. Each pod in turn is without its proxy for a few seconds: it is not ready meanwhile, and its open connections break.";
}

/** Formats the waves of a plan as the end of a sentence: `, in 3 waves (soak 5m, gate ./check-slo)`. */
export function wavesText({ waves, pace }: Pick<RestartReport, "waves" | "pace">): string {
  const checks = pace === null ? "" : checksText(pace);
  if (pace === null || waves.length === 0) return "";
  return `, in ${count(waves.length, "wave")}${checks === "" ? "" : ` (${checks})`}`;
}

/** Wraps a question between words, which a terminal would not do. */
function wrapped(question: string, { width }: Style): string {
  // The last column is for the answer.
  return width === undefined ? question : wrapAnsi(question, width - 1, { trim: false });
}

/** @throws Interrupted for Ctrl-C, which a terminal in raw mode passes on as a key. */
async function askQuestion(io: Io, question: string, abort: AbortSignal): Promise<string> {
  const prompt = createInterface({
    input: io.stdin,
    output: io.stderr as NodeJS.WritableStream,
  });
  try {
    // The end of the input without an answer means no.
    const ended = new Promise<undefined>((resolve) =>
      prompt.once("close", () => resolve(undefined)),
    );
    const interrupted = new Promise<never>((_resolve, reject) =>
      prompt.once("SIGINT", () => reject(new Interrupted("SIGINT"))),
    );
    const answer = prompt.question(question, { signal: abort }).catch(() => "");
    const given = await Promise.race([answer, ended, interrupted]);
    // Nobody ended the line of the question.
    if (given === undefined) io.stderr.write("\n");
    return given ?? "";
  } finally {
    prompt.close();
  }
}
