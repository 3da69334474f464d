import { readFileSync } from "node:fs";
import { loadAll as parseYaml } from "js-yaml";
import type { TestRule } from "./test-cluster.ts";

export const ROLES = ["read-only", "restart-cluster", "restart-namespace"] as const;
export type RoleName = (typeof ROLES)[number];

/** One verb on one resource, in one namespace or in the whole cluster. */
export interface Grant {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
}

interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly TestRule[];
}

function roleText(role: RoleName): string {
  return readFileSync(new URL(`../../deploy/rbac/${role}.yaml`, import.meta.url), "utf8");
}

/** Returns the grants of a manifest in deploy/rbac, with `shop` replaced by another namespace. */
export function grantsOf(role: RoleName, shop = "shop"): readonly Grant[] {
  return (parseYaml(roleText(role)) as Document[]).flatMap(({ metadata, rules = [] }) =>
    rules.flatMap(({ apiGroups: [group = ""], resources, verbs }) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({
          verb,
          group,
          resource,
          namespace: metadata.namespace === "shop" ? shop : metadata.namespace,
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
  return grants.map(({ verb, group, resource, namespace }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
    ...(namespace === undefined ? {} : { namespace }),
  }));
}
