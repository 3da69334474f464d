import { count } from "../wording.ts";
import type { DryRun, PodGroup, Workload } from "../snapshot.ts";
import { gitOpsOwners } from "./gitops.ts";
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
  const { rollout, template, terminating } = workload;
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
  if (rollout?.kind === "Deployment" && rollout.replicas === 1 && rollout.surge === 0) {
    warn(
      "single-replica",
      "one replica without surge: the workload is down while its pod restarts",
    );
  }
  if (template !== undefined && !template.probed) {
    warn("no-readiness-probe", "a container without a readiness probe counts as ready at once");
  }
  const { controller } = workload;
  if (controller !== undefined) {
    warn(
      "operator",
      `${controller.kind} ${controller.name} controls it, and may revert the restart: if so, restart it through ${controller.name}, delete its pods one at a time, or exclude it`,
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

/** Warns if new pods get a sidecar of the other mode: the image is the same, so nothing is outdated. */
export function modeWarning(
  running: readonly PodGroup[],
  dryRun: DryRun | undefined,
): readonly Warning[] {
  if (dryRun?.kind !== "pod" || dryRun.native === undefined) return [];
  const { native } = dryRun;
  if (!running.some((group) => hasSidecar(group) && group.native !== native)) return [];
  const [before, after] = native ? ["an ordinary", "a native"] : ["a native", "an ordinary"];
  const message = `its pods have ${before} sidecar, and new pods get ${after} one: a restart changes it (--include current)`;
  return [{ code: "sidecar-mode-differs", message }];
}
