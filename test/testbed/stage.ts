/** One transition of a node or pod in kwok: its condition, its delay and the new status. */
export interface Stage {
  readonly apiVersion: "kwok.x-k8s.io/v1alpha1";
  readonly kind: "Stage";
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

interface StageOptions {
  readonly when: readonly unknown[];
  readonly next: unknown;
  readonly delay?: unknown;
}

export function stage(
  kind: "Node" | "Pod",
  name: string,
  { when, next, delay }: StageOptions,
): Stage {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: "v1", kind },
      selector: { matchExpressions: when },
      ...(delay !== undefined && { delay }),
      next,
    },
  };
}

export function exists(key: string): unknown {
  return { key, operator: "Exists" };
}
export function absent(key: string): unknown {
  return { key, operator: "DoesNotExist" };
}
export function among(key: string, ...values: string[]): unknown {
  return { key, operator: "In", values };
}
export function notAmong(key: string, ...values: string[]): unknown {
  return { key, operator: "NotIn", values };
}
