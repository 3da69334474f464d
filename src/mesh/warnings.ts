import { count } from "../wording.ts";
import {
  type Budget,
  type Claim,
  type DryRun,
  type PodGroup,
  restartTime,
  type Workload,
} from "../snapshot.ts";
import { evictionBlock } from "./disruption.ts";
import { gitOpsOwners, operatorOf } from "./gitops.ts";
import { isReplacing } from "./ongoing-rollout.ts";
import { hasSidecar } from "./running-pods.ts";

/** A fact that the user should know, but that does not prevent a restart. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/**
 * Collects the warnings about a workload and its pods.
 *
 * @param mayRestart true if a restart may follow; some warnings only concern a restart.
 */
export function warningsFor(
  workload: Workload,
  running: readonly PodGroup[],
  mayRestart: boolean,
): readonly Warning[] {
  const { template, terminating } = workload;
  const warnings: Warning[] = [];
  const warn = (code: string, message: string) => warnings.push({ code, message });

  const bare = running.filter((group) => !hasSidecar(group));
  if (bare.length > 0 && bare.length < running.length) {
    warn("some-without-sidecar", "some of its pods have no sidecar");
  }
  if (terminating > 0) {
    const pods = count(terminating, "terminating pod", ["is", "are"]);
    warn("terminating", `${pods} not counted in the verdict`);
  }
  if (!mayRestart) return warnings;
  if (template !== undefined && !template.probed) {
    warn("no-readiness-probe", "a container without a readiness probe counts as ready at once");
  }
  const operator = operatorOf(workload);
  if (operator !== undefined) {
    const { name, role } = operator;
    const through = workload.controller?.name ?? name;
    warn(
      "operator",
      `${name} ${role}, and may revert the restart: if so, restart it through ${through}, delete its pods one at a time, or exclude it`,
    );
  }
  const owners = gitOpsOwners(workload);
  if (owners.includes("flux-kustomization")) {
    warn("flux", "managed by Flux: restarted with a field manager that Flux does not revert");
  } else if (owners.includes("flux-helm-release")) {
    warn(
      "flux",
      "managed by Flux, which may revert the restart's annotation and cause a second rollout",
    );
  }
  if (owners.includes("argo-cd")) {
    warn(
      "argo-cd",
      "managed by Argo CD, which may show the workload as out of sync after the restart",
    );
  }
  return warnings;
}

/** Names a pod that is not ready, if nothing replaces it: a restart waits for it, and may leave it out. */
export function unreadyWarning(
  { rollout }: Workload,
  running: readonly PodGroup[],
): readonly Warning[] {
  const [unready] = running.flatMap((group) => group.unready ?? []);
  if (rollout === undefined || unready === undefined || isReplacing(rollout)) return [];
  const others = running.reduce((sum, { pods, ready }) => sum + pods - ready, 0) - 1;
  const more = others === 0 ? "" : `, nor ${count(others, "more pod")}`;
  return [{ code: "not-ready", message: `its pod ${unready.pod} is not ready${more}` }];
}

/** The milliseconds in which another run may be the same one, started again. */
const A_DAY = 86_400_000;

/**
 * Warns that a workload on target was restarted a short time ago: a run with `--include current` that was
 * killed restarts it again.
 *
 * @param now milliseconds since the epoch.
 */
export function repeatWarning(workload: Workload, now: number): readonly Warning[] {
  const time = restartTime(workload);
  if (time === undefined || !(now - Date.parse(time) < A_DAY)) return [];
  const message =
    "it was restarted in the last 24 hours, and is restarted again: a run that was killed continues with its report file as the plan";
  return [{ code: "restarted-recently", message }];
}

/**
 * Warns of a claim that keeps a new pod from starting while an old pod uses it. A Deployment that ends
 * all old pods first has no such pod.
 */
export function claimWarning({ rollout }: Workload, claims: readonly Claim[]): readonly Warning[] {
  if (!mayNeedClaims(rollout)) return [];
  const claim = claims.find(({ accessModes }) =>
    EXCLUSIVE.some((mode) => isOnly(accessModes, mode)),
  );
  if (claim === undefined) return [];
  const { name, accessModes } = claim;
  const [code, why] = isOnly(accessModes, "ReadWriteOncePod")
    ? ["read-write-once-pod", "a new pod cannot start while an old pod uses it"]
    : ["read-write-once", "a new pod on another node cannot start while an old pod uses it"];
  return [{ code, message: `its claim ${name} is ${accessModes[0]}: ${why}` }];
}

const EXCLUSIVE = ["ReadWriteOnce", "ReadWriteOncePod"];

function isOnly(modes: readonly string[], mode: string): boolean {
  return modes.length > 0 && modes.every((one) => one === mode);
}

/** True if an old pod stays until a new one is ready, so that both need the claims of the template. */
export function mayNeedClaims(rollout: Workload["rollout"]): boolean {
  return rollout?.kind === "Deployment" && rollout.unavailable < rollout.replicas;
}

/**
 * Warns of a PodDisruptionBudget that allows no eviction now. Only Argo Rollouts evicts pods to restart
 * them: a budget does not limit the rolling update of another kind.
 */
export function budgetWarning(
  { rollout, template }: Workload,
  budgets: readonly Budget[],
): readonly Warning[] {
  if (rollout?.kind !== "Rollout" || template === undefined) return [];
  const block = evictionBlock(template.labels, budgets);
  return block === undefined
    ? []
    : [
        {
          code: "disruption-budget",
          message: `${block.message}, and Argo Rollouts evicts pods to restart them`,
        },
      ];
}

/** Warns if new pods get a sidecar of the other mode: the image is the same, so nothing is outdated. */
export function modeWarning(
  running: readonly PodGroup[],
  dryRun: DryRun | undefined,
): readonly Warning[] {
  if (dryRun?.kind !== "pod" || dryRun.native === undefined) return [];
  const { native } = dryRun;
  if (!running.some((group) => hasSidecar(group) && group.native !== native)) return [];
  const [before, after] = native ? ["an ordinary", "a native"] : ["a native", "an ordinary"];
  const message = `its pods have ${before} sidecar, and new pods get ${after} one: a restart that includes current workloads changes it`;
  return [{ code: "sidecar-mode-differs", message }];
}
