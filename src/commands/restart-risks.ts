import { getClaim } from "../cluster/claims.ts";
import { listBudgets } from "../cluster/budgets.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { budgetWarning, claimWarning, mayNeedClaims } from "../mesh/warnings.ts";
import type { Budget, Claim } from "../snapshot.ts";
import { readOrNote } from "./optional-read.ts";
import type { Session } from "./session.ts";

/** Adds warnings about what may keep new pods from starting, or old ones from being replaced. */
export type RiskLookup = (assessment: Assessment) => Promise<Assessment>;

/**
 * Creates a lookup, which reads claims and PodDisruptionBudgets only for workloads that would be
 * restarted and that they may hinder. What could not be read is a note: a warning prevents nothing.
 */
export function createRiskLookup(session: Session): RiskLookup {
  const { api } = session;
  const claims = new Map<string, Promise<Claim | undefined>>();
  const budgets = new Map<string, Promise<readonly Budget[] | undefined>>();

  function claimOf(namespace: string, name: string) {
    const key = `${namespace}/${name}`;
    const what = `get persistentvolumeclaims in ${namespace}: there is no warning of claims that keep new pods from starting`;
    const found = claims.get(key) ?? readOrNote(session, getClaim(api, namespace, name), what);
    claims.set(key, found);
    return found;
  }

  function budgetsOf(namespace: string) {
    const what = `list poddisruptionbudgets in ${namespace}: there is no warning of budgets that keep Argo Rollouts from restarting pods`;
    const found = budgets.get(namespace) ?? readOrNote(session, listBudgets(api, namespace), what);
    budgets.set(namespace, found);
    return found;
  }

  return async (assessment) => {
    const { workload, restart } = assessment;
    const { rollout, namespace, template } = workload;
    if (restart.answer !== "yes") return assessment;
    const names = mayNeedClaims(rollout) ? (template?.claims ?? []) : [];
    const read = await Promise.all(names.map((name) => claimOf(namespace, name)));
    const limits = rollout?.kind === "Rollout" ? await budgetsOf(namespace) : undefined;
    const risks = [
      ...claimWarning(
        workload,
        read.flatMap((claim) => claim ?? []),
      ),
      ...budgetWarning(workload, limits ?? []),
    ];
    return risks.length === 0
      ? assessment
      : { ...assessment, warnings: [...assessment.warnings, ...risks] };
  };
}
