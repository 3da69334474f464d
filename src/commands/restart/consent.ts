import { createInterface } from "node:readline/promises";
import { formatLocal } from "../../deadline.ts";
import { Interrupted, UsageError } from "../../errors.ts";
import { kubectl, sentence } from "../../next-step.ts";
import type { Io } from "../../io.ts";
import type { RestartReport } from "../../report/document.ts";
import { plain } from "../../report/plain.ts";
import { styleFor } from "../../report/style.ts";
import { renderText } from "../../report/text.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Session } from "../session.ts";

/**
 * What must be said on the command line before anything is read: nobody restarts the wrong cluster
 * by accident.
 *
 * @throws UsageError
 */
export function requireConsentRules(settings: RestartSettings, io: Io): void {
  const { dryRun, yes } = settings;
  if (dryRun !== undefined) return;
  if (!yes && io.stdin.isTTY !== true) {
    throw new UsageError(
      "restart asks before it acts, and there is no terminal to ask at",
      "add --yes, or look first with --dry-run",
    );
  }
  // In a pod it takes a connection to know which cluster that is.
  if (io.env["KUBERNETES_SERVICE_HOST"] === undefined) requireNamedCluster(settings, false);
}

/**
 * Nobody restarts all of a cluster that merely happens to be the current one; the one that a pod
 * belongs to never is another.
 *
 * @throws UsageError
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

/** Shows the plan on stderr and asks, unless `--yes` was given. */
export async function askConsent(
  session: Session<RestartSettings>,
  plan: Plan,
  document: RestartReport,
  deadline: Date | undefined,
  overtaken: AbortSignal,
): Promise<boolean> {
  const { settings, io, api, progress } = session;
  if (settings.yes || plan.steps.length === 0) return true;
  progress.stop();
  const style = styleFor(io.stderr, settings.display, io);
  io.stderr.write(`${[...renderText(document, style, false)].join("")}\n`);
  const context = plain(api.connection.context);
  const count = `${plan.steps.length} ${plan.steps.length === 1 ? "workload" : "workloads"}`;
  if (deadline !== undefined) {
    io.stderr.write(`Nothing starts after ${formatLocal(deadline)}.\n`);
  }
  if (settings.scope.allNamespaces) {
    const question = `Restart ${count} in all of "${context}"? Type its name: `;
    const name = (await ask(io, question, overtaken)).trim();
    // A name of which nothing is seen must not be what no answer says, too.
    const isNamed = name !== "" && name === context;
    return isNamed || declined(session, overtaken, `"${name}" is not "${context}"`);
  }
  const answer = await ask(io, `Restart ${count} in "${context}"? [y/N] `, overtaken);
  return /^y(es)?$/i.test(answer.trim()) || declined(session, overtaken, "the answer was not yes");
}

/** Says so: whoever mistyped would look for it in the report. */
function declined({ progress }: Session, overtaken: AbortSignal, why: string): false {
  if (overtaken.aborted) return false;
  progress.emit({ type: "notice", message: `nothing is restarted: ${why}` });
  progress.stop();
  return false;
}

/** @throws Interrupted for a Ctrl-C, which a terminal in raw mode hands over as a key. */
async function ask(io: Io, question: string, overtaken: AbortSignal): Promise<string> {
  const prompt = createInterface({
    input: io.stdin,
    output: io.stderr as NodeJS.WritableStream,
  });
  try {
    // An input that ends without an answer is a no.
    const ended = new Promise<string>((resolve) => prompt.once("close", () => resolve("")));
    const interrupted = new Promise<never>((_resolve, reject) =>
      prompt.once("SIGINT", () => reject(new Interrupted("SIGINT"))),
    );
    const answer = prompt.question(question, { signal: overtaken }).catch(() => "");
    return await Promise.race([answer, ended, interrupted]);
  } finally {
    prompt.close();
  }
}
