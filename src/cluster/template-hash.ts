import { createHash } from "node:crypto";
import { RESTARTED_AT } from "../snapshot.ts";
import type { ApiObject, ApiPodTemplate } from "./api-objects.ts";

/** Any workload that has a template. */
interface TemplateHolder extends ApiObject {
  readonly spec?: { readonly template?: ApiPodTemplate };
}

/**
 * Tells whether a workload still makes the same pods: `generation` cannot, since every autoscaling
 * moves it.
 *
 * @returns `sha256:...` of the pod template without the mark of a restart.
 */
export function templateHash({ spec }: TemplateHolder): string {
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
