import { ApiError } from "../../http/api-error.ts";
import { CannotRun } from "../../errors.ts";
import { apiOf, groupNameOf, isRestartable, type RestartableKind } from "../../kubernetes/kinds.ts";
import { kubectl, sentence } from "../../next-step.ts";
import { canI } from "../../cluster/write.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { Session } from "../session.ts";

/**
 * Asks for everything that the run will need before its first patch, so that it does not stop half
 * way: cluster-wide first, then by namespace.
 *
 * @throws CannotRun naming verb, resource and namespace.
 */
export async function requirePermissions(session: Session, plan: Plan): Promise<void> {
  try {
    await ask(session, plan);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CannotRun(
      `the API server does not tell what you may do, so nothing was restarted: ${error.message}`,
      sentence`see whether kubectl is told: ${kubectl("auth", "can-i", "patch", "deployments.apps")}`,
      { cause: error },
    );
  }
}

async function ask({ api }: Session, plan: Plan): Promise<void> {
  const needed = new Map<RestartableKind, Set<string>>();
  for (const { ref } of plan.steps) {
    if (!isRestartable(ref.kind)) continue;
    needed.set(ref.kind, (needed.get(ref.kind) ?? new Set()).add(ref.namespace));
  }
  for (const [kind, namespaces] of needed) {
    const { resource } = apiOf(kind);
    const group = groupNameOf(kind);
    for (const verb of ["get", "patch"]) {
      const permission = { verb, group, resource };
      if (await canI(api, { ...permission, namespace: undefined })) continue;
      for (const namespace of namespaces) {
        if (await canI(api, { ...permission, namespace })) continue;
        throw new CannotRun(
          `you may not ${verb} ${resource}.${group} in the namespace "${namespace}", so nothing was restarted`,
          sentence`ask for it, then see: ${kubectl("auth", "can-i", verb, `${resource}.${group}`, "-n", namespace)}`,
        );
      }
    }
  }
}
