import { createInterface } from "node:readline/promises";
import wrapAnsi from "wrap-ansi";
import { formatLocal } from "../../deadline.ts";
import { Interrupted, UsageError } from "../../errors.ts";
import { kubectl, sentence } from "../../next-step.ts";
import type { Io } from "../../io.ts";
import type { RestartReport } from "../../report/document.ts";
import { planSize } from "../../report/changes.ts";
import { plain } from "../../report/plain.ts";
import { type Style, styleFor } from "../../report/style.ts";
import { renderText } from "../../report/text.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { RestartSettings } from "../../settings.ts";
import { count } from "../../wording.ts";
import type { Session } from "../session.ts";

/**
 * Checks the flags that protect against a restart in the wrong cluster, before anything is read.
 *
 * @throws UsageError if `--yes` or `--context` is needed and missing.
 */
export function requireConsentRules(settings: RestartSettings, io: Io): void {
  const { dryRun, yes } = settings;
  if (dryRun !== undefined) return;
  if (!yes && io.stdin.isTTY !== true) {
    throw new UsageError(
      "restart asks for confirmation, but there is no terminal",
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
  if (dryRun !== undefined || !yes || !scope.allNamespaces) return;
  if (connection.context !== undefined || inCluster) return;
  throw new UsageError(
    "--all-namespaces with --yes also needs --context: the current context may be another cluster",
    sentence`see the contexts: ${kubectl("config", "get-contexts")}`,
  );
}

/** Shows the plan on stderr and asks for consent, unless `--yes` was given. */
export async function askConsent(
  session: Session<RestartSettings>,
  plan: Plan,
  document: RestartReport,
  deadline: Date | undefined,
  abort: AbortSignal,
): Promise<boolean> {
  const { settings, io, api, progress } = session;
  if (settings.yes || plan.steps.length === 0) return true;
  progress.stop();
  const style = styleFor(io.stderr, settings.display, io);
  io.stderr.write(`${[...renderText(document, style, false)].join("")}\n`);
  const context = plain(api.connection.context);
  const what = planSize(document.steps);
  const pace = `${settings.maxParallel} at a time, stop after ${count(settings.maxFailures, "failure")}`;
  if (deadline !== undefined) {
    io.stderr.write(`No restart starts after ${formatLocal(deadline)}.\n`);
  }
  if (settings.scope.allNamespaces) {
    const question = `Restart ${what} in all namespaces of "${context}", ${pace}? Type the context name (${context}) to confirm: `;
    const name = (await askQuestion(io, wrapped(question, style), abort)).trim();
    // An invisible name would equal an empty answer.
    const isNamed = name !== "" && name === context;
    return (
      isNamed || declined(session, abort, `nothing was restarted: "${name}" is not "${context}"`)
    );
  }
  const question = `Restart ${what} in "${context}", ${pace}? [y/N] `;
  const answer = await askQuestion(io, wrapped(question, style), abort);
  return /^y(es)?$/i.test(answer.trim()) || declined(session, abort, "nothing was restarted");
}

/** Wraps a question between words, which a terminal would not do. */
function wrapped(question: string, { width }: Style): string {
  // The last column is for the answer.
  return width === undefined ? question : wrapAnsi(question, width - 1, { trim: false });
}

/** Reports at once that nothing is restarted, so that a user who mistyped need not read the report. */
function declined({ progress }: Session, abort: AbortSignal, message: string): false {
  if (abort.aborted) return false;
  progress.emit({ type: "notice", message });
  progress.stop();
  return false;
}

/** @throws Interrupted for Ctrl-C, which a terminal in raw mode passes on as a key. */
async function askQuestion(io: Io, question: string, abort: AbortSignal): Promise<string> {
  const prompt = createInterface({
    input: io.stdin,
    output: io.stderr as NodeJS.WritableStream,
  });
  try {
    // The end of the input without an answer means no.
    const ended = new Promise<string>((resolve) => prompt.once("close", () => resolve("")));
    const interrupted = new Promise<never>((_resolve, reject) =>
      prompt.once("SIGINT", () => reject(new Interrupted("SIGINT"))),
    );
    const answer = prompt.question(question, { signal: abort }).catch(() => "");
    return await Promise.race([answer, ended, interrupted]);
  } finally {
    prompt.close();
  }
}
