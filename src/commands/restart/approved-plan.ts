import { UsageError } from "../../errors.ts";
import { istioUpgrade, sentence } from "../../next-step.ts";
import type { RestartReport, StepEntry } from "../../report/document.ts";
import type { Step } from "../../rollout/step.ts";
import { consentFrom, type RestartSettings } from "../../settings.ts";
import type { PlannedMove } from "../move/preflight.ts";
import { serverAddress } from "../report.ts";
import type { Session } from "../session.ts";
import { readPlanFile } from "./plan-file.ts";

/** A plan that was saved by a dry run and approved. */
export interface ApprovedPlan {
  readonly file: string;
  /** The hash of the plan: `sha256:...`. */
  readonly hash: string;
  readonly steps: readonly Step[];
  readonly server: string;
  readonly istioNamespace: string;
  readonly consent: RestartSettings["consent"];
  /** Absent unless sidecars are replaced in place. */
  readonly inPlace: RestartReport["inPlace"];
  /** The namespaces that `move` labels; `undefined` for the plan of a restart. */
  readonly move: PlannedMove | undefined;
}

/** @throws UsageError if the file contains no plan of the command, or a plan that was changed. */
export async function readApprovedPlan(
  file: string,
  command: "restart" | "move",
): Promise<ApprovedPlan> {
  const document = await readPlanFile(file);
  const { plan: hash, steps, cluster, scope } = document;
  const move = plannedMove(document);
  if ((move === undefined) === (command === "move")) {
    const other = move === undefined ? "restart" : "move";
    throw new UsageError(
      `the plan in "${file}" is one of ${other}, not of ${command}`,
      sentence`carry it out: ${istioUpgrade(other, "--plan", file)}`,
    );
  }
  if (steps.length === 0 && move === undefined) {
    throw new UsageError(`the plan in "${file}" restarts nothing`, "there is nothing to do");
  }
  return {
    file,
    hash,
    steps: steps.map(plannedStep),
    server: cluster.server,
    istioNamespace: cluster.istioNamespace,
    consent: consentFrom(scope.include, document.allowDowntime),
    inPlace: document.inPlace,
    move,
  };
}

function plannedMove({ move, namespaces = [] }: RestartReport): PlannedMove | undefined {
  if (move === undefined) return undefined;
  return {
    to: move.to,
    namespaces: namespaces.map(({ name, from, injection, to }) => ({
      name,
      from: from ?? undefined,
      injection: injection ?? undefined,
      to,
    })),
  };
}

/** Returns the settings of a run with an approved plan, which reads only the plan's namespaces. */
export function withPlan<Settings extends RestartSettings>(
  settings: Settings,
  approved: ApprovedPlan,
): Settings {
  const moved = approved.move?.namespaces.map(({ name }) => name) ?? [];
  const namespaces = [...new Set([...moved, ...approved.steps.map(({ ref }) => ref.namespace)])];
  return {
    ...settings,
    istioNamespace: approved.istioNamespace,
    scope: { ...settings.scope, namespaces },
    consent: approved.consent,
    inPlace: approved.inPlace !== undefined,
    pull: approved.inPlace?.pull === true,
    drift: approved.consent.drifted || approved.steps.some(({ drift }) => drift !== undefined),
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

function plannedStep(entry: StepEntry): Step {
  const { namespace, kind, name, uid, verdict, from, to, template, restartedAt, drift } = entry;
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
    restartedAt: restartedAt ?? undefined,
    ...(drift !== undefined && { drift }),
  };
}
