import { compareRevisions } from "../mesh/revision-order.ts";
import { istioUpgrade, type NextStep, sentence } from "../next-step.ts";
import { count } from "../wording.ts";
import type { Report } from "./document.ts";

/**
 * Returns the note that several revisions are installed, with the pods and workloads in scope that
 * run each. Pods that are on target may still use the revision that is removed next.
 */
export function revisionNote({
  targets,
  workloads,
}: Pick<Report, "targets" | "workloads">): NextStep | undefined {
  const revisions = targets.map(({ revision }) => revision).sort(compareRevisions);
  const [older, newer, ...more] = revisions;
  if (older === undefined || newer === undefined) return undefined;
  const uses = revisions.map((revision) => `${revision} has ${usesOf(revision, workloads)}`);
  const intro = `${revisions.length} revisions are installed: in scope, ${uses.join(", ")}`;
  if (more.length > 0)
    return sentence`${intro}; before you remove one: ${istioUpgrade("revisions")}`;
  return sentence`${intro}; before you complete the upgrade: ${istioUpgrade("revisions", older)}; before you roll it back: ${istioUpgrade("revisions", newer)}`;
}

/** The pods of AKS's own gateways are not counted: they are removed together with their revision. */
function usesOf(revision: string, workloads: Report["workloads"]): string {
  const users = workloads
    .filter(({ verdict }) => verdict !== "managed")
    .map(({ running }) => running.filter((group) => group.revision === revision))
    .filter((groups) => groups.length > 0);
  if (users.length === 0) return "no pods";
  const pods = users.flat().reduce((sum, group) => sum + group.pods, 0);
  return `${count(pods, "pod")} (${count(users.length, "workload")})`;
}
