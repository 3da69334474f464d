import { count } from "../count.ts";
import { KUSTOMIZATION } from "./flux.ts";
import type { PodGroup, Workload } from "../snapshot.ts";

/** Something to know that stops nothing. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** @param restarts whether a restart is on the table: some warnings only matter then. */
export function warningsFor(
  workload: Workload,
  running: readonly PodGroup[],
  restarts: boolean,
): readonly Warning[] {
  const { rollout, template, labels, annotations, terminating } = workload;
  const warnings: Warning[] = [];
  const warn = (code: string, message: string) => warnings.push({ code, message });

  const bare = running.filter(({ image }) => image === undefined);
  if (bare.length > 0 && bare.length < running.length) {
    warn("some-without-sidecar", "some of its pods have no sidecar");
  }
  if (terminating > 0) {
    const pods = count(terminating, "terminating pod", ["is", "are"]);
    warn("terminating", `${pods} left out of the verdict`);
  }
  if (!restarts) return warnings;
  if (rollout?.kind === "Deployment" && rollout.replicas === 1 && rollout.surge === 0) {
    warn("single-replica", "one replica without surge: it is down while its pod restarts");
  }
  if (template !== undefined && !template.probed) {
    warn("no-readiness-probe", "a container without readiness probe counts as ready at once");
  }
  if (KUSTOMIZATION in labels) {
    warn("flux", "Flux owns it: the restart is written under a name whose changes Flux keeps");
  } else if ("helm.toolkit.fluxcd.io/name" in labels) {
    warn("flux", "Flux owns it, and may undo the restart's annotation: a second rollout");
  }
  if (annotations["argocd.argoproj.io/tracking-id"] !== undefined) {
    warn("argo-cd", "Argo CD owns it, and may show it as out of sync after the restart");
  }
  return warnings;
}
