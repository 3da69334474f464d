import { readFileSync } from "node:fs";
import { loadAll as parseYaml } from "js-yaml";
import type { TestRule } from "./test-cluster.ts";

export const ROLES = [
  "read-only",
  "check",
  "restart-cluster",
  "restart-namespace",
  "move",
  "in-place",
  "events",
  "lease",
] as const;

/** The manifests that are for more than a restart, and do not repeat what it needs. */
const ADDITIONS: ReadonlySet<RoleName> = new Set(["move", "in-place", "events", "lease"]);

export type RoleName = (typeof ROLES)[number];

/** One verb on one resource, in one namespace or in the whole cluster. */
export interface Grant {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  /** The names of the only objects; absent for all. */
  readonly resourceNames?: readonly string[];
}

/** A role as it is read from YAML; other objects have no rules. */
interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly TestRule[];
}

function roleText(role: RoleName): string {
  return readFileSync(new URL(`../../deploy/rbac/${role}.yaml`, import.meta.url), "utf8");
}

/**
 * Returns the grants of a manifest in deploy/rbac, with `shop` replaced by another namespace, and so the
 * namespace of the lease. Additions need those of `restart-cluster` as well.
 */
export function grantsOf(role: RoleName, shop = "shop"): readonly Grant[] {
  const base = ADDITIONS.has(role) ? grantsOf("restart-cluster", shop) : [];
  return [...base, ...grantsIn(role, shop)];
}

/** The namespaces that a user replaces by others. */
const OWN: ReadonlySet<string> = new Set(["shop", "istio-upgrade"]);

function grantsIn(role: RoleName, shop: string): readonly Grant[] {
  return grantsOfObjects(parseYaml(roleText(role)) as Document[]).map((grant) => ({
    ...grant,
    namespace: OWN.has(grant.namespace ?? "") ? shop : grant.namespace,
  }));
}

/** Returns what the roles among these objects grant. */
export function grantsOfObjects(objects: readonly Document[]): readonly Grant[] {
  return objects.flatMap(({ metadata: { namespace }, rules = [] }) =>
    rules.flatMap(({ apiGroups: [group = ""], resources, verbs, resourceNames }) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({
          verb,
          group,
          resource,
          namespace,
          ...(resourceNames && { resourceNames }),
        })),
      ),
    ),
  );
}

/** Returns the name of a grant, such as `list deployments.apps`. */
export function nameOf({ verb, group, resource }: Grant): string {
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}`;
}

export function rulesOf(grants: readonly Grant[]): readonly TestRule[] {
  return grants.map(({ verb, group, resource, namespace, resourceNames }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
    ...(namespace === undefined ? {} : { namespace }),
    ...(resourceNames && { resourceNames }),
  }));
}
