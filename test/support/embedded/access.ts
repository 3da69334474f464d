import type { TestRule } from "../test-cluster.ts";
import { type Kind, type KubeObject, apiVersion } from "./kinds.ts";

export interface User {
  readonly name: string;
  /** The permissions; absent if the user may do everything. */
  readonly rules?: readonly TestRule[];
}

/** The attributes of a request, as in an access review. */
export interface Attributes {
  readonly verb: string;
  readonly group?: string;
  readonly resource: string;
  readonly namespace?: string | undefined;
  /** The name of the object; absent for a list, and for a creation. */
  readonly name?: string | undefined;
}

/** The permissions of every user: ClusterRole `system:basic-user`. */
const BASIC: TestRule = {
  apiGroups: ["authorization.k8s.io", "authentication.k8s.io"],
  resources: ["selfsubjectaccessreviews", "selfsubjectreviews"],
  verbs: ["create"],
};

export function mayDo({ rules }: User, asked: Attributes): boolean {
  const { verb, group = "", resource, name = "" } = asked;
  const covers = (values: readonly string[], value: string) =>
    values.includes(value) || values.includes("*");
  return (
    rules === undefined ||
    [...rules, BASIC].some(
      ({ apiGroups, resources, verbs, namespace, resourceNames = [name] }) =>
        covers(apiGroups, group) &&
        covers(resources, resource) &&
        covers(verbs, verb) &&
        resourceNames.includes(name) &&
        (namespace === undefined || namespace === asked.namespace),
    )
  );
}

/** Returns the message of an RBAC denial. */
export function denial(user: User, { verb, group = "", resource, namespace }: Attributes): string {
  const where = namespace ? `in the namespace "${namespace}"` : "at the cluster scope";
  return `User "${user.name}" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
}

/** Returns the answer to a review, which is not stored; `undefined` for any other kind. */
export function review(user: User, kind: Kind, body: KubeObject): KubeObject | undefined {
  const head = { kind: kind.kind, apiVersion: apiVersion(kind), metadata: {} };
  switch (kind.kind) {
    case "SelfSubjectReview": {
      const userInfo = { username: user.name, groups: ["system:authenticated"] };
      return { ...head, status: { userInfo } };
    }
    case "SelfSubjectAccessReview":
      return { ...head, status: { allowed: mayDo(user, body.spec.resourceAttributes) } };
    default:
      return undefined;
  }
}
