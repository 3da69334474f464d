import { readFile } from "node:fs/promises";
import { UsageError } from "../../errors.ts";
import { istioUpgrade, sentence } from "../../next-step.ts";
import { API_VERSION, type RestartReport, type StepEntry } from "../../report/document.ts";
import { planHash } from "../../report/entries.ts";
import type { Step } from "../../rollout/step.ts";
import { consentFrom, type RestartSettings } from "../../settings.ts";
import { serverAddress } from "../report.ts";
import type { Session } from "../session.ts";

/** A plan that was saved by a dry run and approved. */
export interface ApprovedPlan {
  readonly file: string;
  /** The hash of the plan: `sha256:...`. */
  readonly hash: string;
  readonly steps: readonly Step[];
  readonly server: string;
  readonly istioNamespace: string;
  readonly consent: RestartSettings["consent"];
}

const CREATE_ONE = sentence`create one: ${istioUpgrade("restart", "--namespace", "NAMESPACE", "--dry-run", "--output", "json")} > FILE`;

/** @throws UsageError if the file contains no plan, or a plan that was changed. */
export async function readApprovedPlan(file: string): Promise<ApprovedPlan> {
  const document = parsePlan(file, await contentOf(file));
  const { plan: hash, steps, cluster, scope } = document;
  if (planHash(document) !== hash) {
    throw new UsageError(
      `the plan in "${file}" was changed after it was made: its content does not match the hash ${hash}`,
      CREATE_ONE,
    );
  }
  if (steps.length === 0) {
    throw new UsageError(`the plan in "${file}" restarts nothing`, "there is nothing to do");
  }
  return {
    file,
    hash,
    steps: steps.map(plannedStep),
    server: cluster.server,
    istioNamespace: cluster.istioNamespace,
    consent: consentFrom(scope.include, document.allowDowntime),
  };
}

/** Returns the settings of a run with an approved plan, which reads only the plan's namespaces. */
export function withPlan(settings: RestartSettings, approved: ApprovedPlan): RestartSettings {
  const namespaces = [...new Set(approved.steps.map(({ ref }) => ref.namespace))];
  return {
    ...settings,
    istioNamespace: approved.istioNamespace,
    scope: { ...settings.scope, namespaces },
    consent: approved.consent,
  };
}

/** @throws UsageError if the plan was made for another cluster. */
export function requireSameCluster({ api }: Session, { file, server }: ApprovedPlan): void {
  const here = serverAddress(api.connection.server);
  if (here === server) return;
  throw new UsageError(
    `the plan in "${file}" was made for ${server}, but this cluster is ${here}`,
    "use the --context that it was made with",
  );
}

async function contentOf(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    // Windows PowerShell redirects output as UTF-16.
    const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
    return bytes.toString(wide ? "utf16le" : "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`could not read the plan "${file}": ${code}`, CREATE_ONE);
  }
}

function parsePlan(file: string, content: string): RestartReport {
  let document: Partial<RestartReport> | null;
  try {
    // Some editors on Windows add a byte order mark.
    document = JSON.parse(content.replace(/^\uFEFF/, "")) as typeof document;
  } catch {
    throw new UsageError(`"${file}" is not a plan: it is not JSON`, CREATE_ONE);
  }
  const isPlan =
    document?.apiVersion === API_VERSION &&
    document.kind === "RestartReport" &&
    typeof document.dryRun === "string" &&
    Array.isArray(document.steps) &&
    Array.isArray(document.scope?.include) &&
    typeof document.cluster?.server === "string";
  if (isPlan) return document as RestartReport;
  throw new UsageError(`"${file}" is not a plan: it is not the report of a dry run`, CREATE_ONE);
}

function plannedStep(entry: StepEntry): Step {
  const { namespace, kind, name, uid, verdict, from, to, template } = entry;
  return {
    ref: { namespace, kind, name, uid },
    verdict,
    from: from.map(({ image, revision, pods }) => ({
      image: image ?? undefined,
      revision: revision ?? undefined,
      pods,
    })),
    to,
    hadSidecar: from.some(({ image }) => image !== null),
    podsAtOnce: 0,
    template: template ?? undefined,
  };
}
