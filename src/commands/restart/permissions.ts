import { CannotRun } from "../../errors.ts";
import { isRestartable, resourceOf } from "../../mesh/kinds.ts";
import { mayI } from "../../cluster/write.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { Session } from "../session.ts";

/**
 * Asks for everything that the run will need before its first patch, so that it does not stop half
 * way: cluster-wide first, then by namespace.
 *
 * @throws CannotRun naming verb, resource and namespace.
 */
export async function requirePermissions({ api }: Session, plan: Plan): Promise<void> {
  const needed = new Map<string, Set<string>>();
  for (const { ref } of plan.steps) {
    if (!isRestartable(ref.kind)) continue;
    const resource = resourceOf(ref.kind);
    needed.set(resource, (needed.get(resource) ?? new Set()).add(ref.namespace));
  }
  for (const [resource, namespaces] of needed) {
    for (const verb of ["get", "patch"]) {
      const permission = { verb, group: "apps", resource };
      if (await mayI(api, { ...permission, namespace: undefined })) continue;
      for (const namespace of namespaces) {
        if (await mayI(api, { ...permission, namespace })) continue;
        throw new CannotRun(
          `you may not ${verb} ${resource}.apps in the namespace "${namespace}", so nothing was restarted`,
          `ask for it, then see: kubectl auth can-i ${verb} ${resource}.apps -n ${namespace}`,
        );
      }
    }
  }
}
