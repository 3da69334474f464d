import { rolloutCommand } from "../kubernetes/kinds.ts";
import { type NextStep, istioUpgrade, sentence } from "../next-step.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { type Ending, ended } from "./result.ts";
import type { StopReason } from "./schedule.ts";

/** The ending of a workload that was left alone because the run was stopped before its turn. */
export const WHY_STOPPED: Readonly<Record<StopReason, Ending>> = {
  failures: ended(
    "not-started",
    "max-failures",
    "no new restarts after this many failures (--max-failures)",
  ),
  "run-stopped": ended(
    "not-started",
    "run-stopped",
    "the run was stopped: the next workload would probably fail the same way",
  ),
  "target-moved": ended("skipped", "target-moved", "the target is no longer the approved one"),
  deadline: ended("not-started", "deadline", "no new restarts after the deadline (--deadline)"),
  interrupted: ended("not-started", "interrupted", "the run was interrupted"),
  "login-expired": ended(
    "not-started",
    "login-expired",
    "no new restarts: the API server no longer accepts the login",
  ),
  "permission-lost": ended(
    "not-started",
    "permission-lost",
    "no new restarts: a permission was withdrawn during the run",
  ),
  "lease-lost": ended(
    "not-started",
    "lease-lost",
    "no new restarts: the lease was lost during the run (--lease)",
  ),
  "soak-failed": ended(
    "not-started",
    "soak-failed",
    "no new restarts: a pod of an earlier wave did not stay healthy (--soak)",
  ),
  "soak-unread": ended(
    "not-started",
    "soak-unread",
    "no new restarts: the pods of an earlier wave could not be read (--soak)",
  ),
  "gate-refused": ended(
    "not-started",
    "gate-refused",
    "no new restarts: the gate refused after an earlier wave (--gate)",
  ),
  "gate-unanswered": ended(
    "not-started",
    "gate-unanswered",
    "no new restarts: the gate did not answer after an earlier wave (--gate)",
  ),
  "not-labelled": ended(
    "not-started",
    "not-labelled",
    "no new restarts: a namespace could not be labelled",
  ),
  "label-changed": ended(
    "not-started",
    "label-changed",
    "no new restarts: somebody changed the label of a namespace",
  ),
};

/** The reason why a run no longer follows its rollouts. */
export type AbortCause =
  /** The user wants the report at once. */
  { readonly kind: "interrupted" } | { readonly kind: "login-expired"; readonly message: string };

/**
 * Returns the ending of a workload whose own loop has not ended after an abort.
 *
 * @param mayBeRolling true if the restart was sent.
 */
export function endingAfterAbort(
  cause: AbortCause,
  ref: WorkloadRef,
  mayBeRolling: boolean,
): Ending {
  if (!mayBeRolling) return WHY_STOPPED[cause.kind];
  return cause.kind === "interrupted"
    ? ended(
        "still-rolling",
        "interrupted",
        "may still be rolling: the API server did not answer",
        rolloutCommand("status", ref),
      )
    : ended(
        "still-rolling",
        "login-expired",
        `may still be rolling: the API server no longer accepts the login: ${cause.message}`,
        loginStep([ref.namespace]),
      );
}

/** Returns the next step after the loss of the login. */
export function loginStep(namespaces: readonly string[]): NextStep {
  const all = [...new Set(namespaces)].sort().join(",");
  return sentence`log in again, then: ${istioUpgrade("verify", "--namespace", all)}`;
}

/** Returns the next step after the loss of a permission. */
export function permissionStep({ namespace }: Pick<WorkloadRef, "namespace">): NextStep {
  return sentence`ask for the permission again, then: ${istioUpgrade("verify", "--namespace", namespace)}`;
}
