import { createHash } from "node:crypto";
import { RESTARTED_AT } from "../snapshot.ts";
import type { ApiObject, ApiPodTemplate } from "./api-objects.ts";

interface TemplateOwner extends ApiObject {
  readonly spec?: { readonly template?: ApiPodTemplate };
}

/**
 * Hashes a pod template, without the restart annotation. An equal hash means that the workload still
 * creates the same pods; an equal `generation` would not do, since autoscaling changes it too.
 *
 * @returns the hash, as `sha256:...`.
 */
export function templateHash({ spec }: TemplateOwner): string {
  const template = spec?.template;
  const { [RESTARTED_AT]: _, ...annotations } = template?.metadata?.annotations ?? {};
  const labels = template?.metadata?.labels ?? {};
  const content = JSON.stringify({ labels, annotations, spec: template?.spec }, sorted);
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** Sorts the fields of an object, since their order makes no difference. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
