import { createHash } from "node:crypto";
import type { RestartableObject } from "./rollout-record.ts";
import { RESTARTED_AT } from "./write.ts";

/**
 * Tells whether a workload still makes the same pods: `generation` cannot, since every autoscaling
 * moves it.
 *
 * @returns `sha256:...` of the pod template without the mark of a restart.
 */
export function templateHash({ spec }: RestartableObject): string {
  const template = spec?.template;
  const { [RESTARTED_AT]: _, ...annotations } = template?.metadata?.annotations ?? {};
  const labels = template?.metadata?.labels ?? {};
  const content = JSON.stringify({ labels, annotations, spec: template?.spec }, sorted);
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** The same fields in another order are the same template. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
