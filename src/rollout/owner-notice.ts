import type { Assessment } from "../mesh/assessment.ts";
import { capitalized } from "../wording.ts";
import { imagesText, type Notice, noticed, type NoticeReason } from "./notices.ts";

/**
 * Returns the notice to the owner of a workload that needs a person, by the verdicts that lead to exit
 * code 5, or whose sidecar stays behind because somebody excluded or pinned it.
 *
 * @param includesMissing true if the run restarts workloads without a sidecar, too.
 * @returns `undefined` if there is nothing to do, or if a restart does it.
 */
export function noticeToOwner(
  assessment: Assessment,
  includesMissing: boolean,
): Notice | undefined {
  const { workload, verdict, finding, restart, warnings, running, target } = assessment;
  const owned = noticed(workload, workload.apiVersion, workload.rollout?.resourceVersion);
  const { kind } = owned;
  const isPod = kind === "Pod";
  const newPods = isPod ? "a new Pod in place of this one" : `new pods of this ${kind}`;
  const against = restart.answer === "yes" ? undefined : restart.finding;
  // The reason against the restart may be the finding itself.
  const why = against === undefined || against.reason === finding.reason ? "" : against.reason;
  const alone = why === "" ? "" : ` istio-upgrade does not restart it: ${why}.`;
  switch (verdict) {
    case "would-lose":
      return warning("SidecarWouldBeLost", `${newPods} would have no sidecar`);
    case "blocked":
      return warning("SidecarBlocked", `${newPods} could not run`);
    case "outdated":
      return against === undefined
        ? undefined
        : warning(
            "SidecarOutdated",
            isPod
              ? "the sidecar of this Pod is outdated"
              : `the sidecars of this ${kind} are outdated`,
          );
    case "missing":
      return against === undefined && includesMissing
        ? undefined
        : warning(
            "SidecarMissing",
            isPod ? "this Pod has no sidecar" : `this ${kind} lacks sidecars`,
          );
    case "excluded": {
      const isOutdated = warnings.some(({ code }) => code === "otherwise-outdated");
      if (!isOutdated || target === undefined) return undefined;
      const subject = `istio-upgrade does not restart this ${kind}, which is ${finding.reason}`;
      return notice("Normal", "SidecarOutdated", `${subject}: ${imagesText(running, target)}.`);
    }
    case "pinned":
      return notice("Normal", "SidecarPinned", `${capitalized(finding.reason)}.`);
    default:
      return undefined;
  }

  function warning(reason: NoticeReason, state: string): Notice {
    return notice("Warning", reason, `${capitalized(state)}: ${finding.reason}.${alone}`);
  }

  function notice(type: Notice["type"], reason: NoticeReason, message: string): Notice {
    // A reason against the restart comes first, as in reports.
    const nextStep = against?.nextStep || finding.nextStep;
    return { workload: owned, type, reason, action: "Inspect", message, nextStep };
  }
}
