import { ApiError, failureCodeOf } from "../../http/api-error.ts";
import { CannotRun } from "../../errors.ts";
import { apiOf, groupNameOf, isRestartable, type RestartableKind } from "../../kubernetes/kinds.ts";
import { kubectl, sentence } from "../../next-step.ts";
import { canI } from "../../cluster/write.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { Session } from "../session.ts";

/**
 * Checks the permissions that the whole run needs before its first patch, so that it does not stop
 * half way: for the whole cluster first, then for each namespace.
 *
 * @throws CannotRun with the verb, resource and namespace of a missing permission.
 */
export async function requirePermissions(session: Session, plan: Plan): Promise<void> {
  try {
    await checkPermissions(session, plan);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CannotRun(
      `could not check your permissions, so nothing was restarted: ${error.message}`,
      sentence`compare with: ${kubectl("auth", "can-i", "patch", "deployments.apps")}`,
      { cause: error, code: failureCodeOf(error) },
    );
  }
}

async function checkPermissions({ api }: Session, plan: Plan): Promise<void> {
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
          `not allowed to ${verb} ${resource}.${group} in the namespace "${namespace}", so nothing was restarted`,
          sentence`ask for the permission, then check: ${kubectl("auth", "can-i", verb, `${resource}.${group}`, "-n", namespace)}`,
          { code: "forbidden" },
        );
      }
    }
  }
}
