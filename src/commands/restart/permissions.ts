import { ApiError, failureCodeOf } from "../../http/api-error.ts";
import { connectionHint } from "../../http/connection-hint.ts";
import { CannotRun } from "../../errors.ts";
import { apiOf, groupNameOf, isRestartable, type RestartableKind } from "../../kubernetes/kinds.ts";
import type { LeasePlace } from "../../lease.ts";
import { kubectl, sentence } from "../../next-step.ts";
import { EVENTS_GROUP } from "../../cluster/events.ts";
import { canI } from "../../cluster/write.ts";
import type { Assessment } from "../../mesh/assessment.ts";
import type { Plan } from "../../rollout/plan.ts";
import { pendingNames } from "../move/label-notice.ts";
import type { Session } from "../session.ts";
import { ownerNotices } from "./notices.ts";
import type { RestartSession } from "./restart-session.ts";
import { leasePlace } from "./take-lease.ts";

/**
 * Checks the permissions that the whole run needs before its first patch, so that it does not stop
 * half way: for the whole cluster first, then for each namespace.
 *
 * @param owned the assessments of the scope, whose owners may get an Event.
 * @throws CannotRun with the verb, resource and namespace of a missing permission.
 */
export async function requirePermissions(
  session: RestartSession,
  plan: Plan,
  owned: readonly Assessment[],
): Promise<void> {
  try {
    await checkPermissions(session, plan);
    if (session.settings.events && session.settings.dryRun === undefined) {
      await requireEvents(session, plan, owned);
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CannotRun(
      `could not check your permissions, so nothing was restarted: ${error.message}`,
      connectionHint(
        error,
        sentence`compare with: ${kubectl("auth", "can-i", "patch", "deployments.apps")}`,
      ),
      { cause: error, code: failureCodeOf(error) },
    );
  }
}

async function checkPermissions(
  { api, settings, move }: RestartSession,
  plan: Plan,
): Promise<void> {
  if (settings.lease !== undefined && settings.dryRun === undefined) {
    await requireLease(api, leasePlace(api, settings.lease));
  }
  if (settings.inPlace) await requireInPlace(api, settings, plan);
  const needed = new Map<RestartableKind, Set<string>>();
  for (const { ref } of plan.steps) {
    if (!isRestartable(ref.kind) || settings.inPlace) continue;
    needed.set(ref.kind, (needed.get(ref.kind) ?? new Set()).add(ref.namespace));
  }
  if (move !== undefined) {
    const permission = { verb: "patch", group: "", resource: "namespaces" };
    await requireIn(api, permission, pendingNames(move));
  }
  for (const [kind, namespaces] of needed) {
    const { resource } = apiOf(kind);
    const group = groupNameOf(kind);
    for (const verb of ["get", "patch"]) {
      await requireIn(api, { verb, group, resource }, namespaces);
    }
  }
  if (settings.dryRun !== undefined || (settings.waves?.soak ?? 0) === 0) return;
  // Without them, a soak would end without a result, after the first wave.
  const soaked = new Set([...plan.steps, ...plan.waits].map(({ ref }) => ref.namespace));
  await requireIn(api, { verb: "list", group: "", resource: "events" }, soaked, " for --soak");
}

/** Checks the permissions to replace sidecars: in their namespaces, and in the one of pulls. */
async function requireInPlace(
  api: Session["api"],
  { pull, dryRun }: RestartSession["settings"],
  plan: Plan,
): Promise<void> {
  const purpose = " for --in-place";
  const pods = { group: "", resource: "pods" };
  const namespaces = new Set(plan.steps.map(({ ref }) => ref.namespace));
  await requireIn(api, { verb: "patch", ...pods }, namespaces, purpose);
  if (!pull || dryRun !== undefined) return;
  for (const verb of ["list", "create", "delete"]) {
    await requireIn(api, { verb, ...pods }, [api.connection.namespace], " for --pull");
  }
}

/** Checks the permission to write Events, which nobody must miss after a restart. */
async function requireEvents(
  { api, settings }: RestartSession,
  { steps, waits }: Plan,
  owned: readonly Assessment[],
): Promise<void> {
  const namespaces = [
    ...[...steps, ...waits].map(({ ref }) => ref.namespace),
    ...ownerNotices(settings, owned).map(({ workload }) => workload.namespace),
  ];
  const permission = { verb: "create", group: EVENTS_GROUP, resource: "events" };
  await requireIn(api, permission, new Set(namespaces), " for --events");
}

/** Checks the permissions to take a lease, to renew it, and to give it back. */
async function requireLease(api: Session["api"], { namespace, name }: LeasePlace): Promise<void> {
  const leases = { group: "coordination.k8s.io", resource: "leases" };
  // RBAC cannot limit a creation to one name.
  const needed = [
    { verb: "create", ...leases },
    { verb: "get", ...leases, name },
    { verb: "patch", ...leases, name },
  ];
  const request = "ask for the permissions in deploy/rbac/lease.yaml";
  for (const permission of needed) {
    await requireIn(api, permission, [namespace], " for --lease", request);
  }
}

interface Needed {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** The only object that the permission is needed for; absent for all. */
  readonly name?: string;
}

/**
 * Checks a permission for the whole cluster first, then for each namespace.
 *
 * @param purpose the end of the phrase about the permission.
 * @param request the first step for the user.
 */
async function requireIn(
  api: Session["api"],
  permission: Needed,
  namespaces: Iterable<string>,
  purpose = "",
  request = "ask for the permission",
): Promise<void> {
  if (await canI(api, { ...permission, namespace: undefined })) return;
  const { verb, group, resource, name: object } = permission;
  const plural = group === "" ? resource : `${resource}.${group}`;
  const [what, name] =
    object === undefined ? [plural, plural] : [`${plural} "${object}"`, `${plural}/${object}`];
  for (const namespace of namespaces) {
    if (await canI(api, { ...permission, namespace })) continue;
    throw new CannotRun(
      `not allowed to ${verb} ${what} in the namespace "${namespace}"${purpose}, so nothing was restarted`,
      sentence`${request}, then check: ${kubectl("auth", "can-i", verb, name, "-n", namespace)}`,
      { code: "forbidden" },
    );
  }
}
