import type { Fault, Times } from "./faults.ts";

/** The expected result of a run, derived from the fault alone. */
export interface Expected {
  /** The allowed exit codes. With 0 the report must equal the report of a run without a fault. */
  readonly status: readonly number[];
  /** The `reason` of a gap, if the report must be incomplete. */
  readonly gap?: Fault["gap"] | undefined;
}

export const COMMANDS = ["check", "verify", "explain", "revisions", "restart"] as const;
export type Command = (typeof COMMANDS)[number];

/** The purpose of a request. */
type Purpose =
  | "namespace"
  | "injection"
  | "scope"
  | "pod"
  | "workload"
  | "permission"
  | "user"
  | "dry run"
  | "patch"
  | "events"
  | "quota";

const RULES_OF_INJECTION =
  /mutatingwebhookconfigurations|namespaces\/aks-istio-system\/(configmaps|services|deployments|endpointslices)( |$)/;

function purposeOf(key: string): Purpose {
  if (key.startsWith("PATCH")) return "patch";
  if (key.includes("selfsubjectaccessreviews")) return "permission";
  if (key.includes("selfsubjectreviews")) return "user";
  if (key.startsWith("POST")) return "dry run";
  if (RULES_OF_INJECTION.test(key)) return "injection";
  if (/\/api\/v1\/namespaces\/[^/]+$/.test(key)) return "namespace";
  if (/\/(pods|replicasets)\/\*/.test(key)) return "pod";
  if (/\/(deployments|statefulsets|daemonsets)\/[^/]+$/.test(key)) return "workload";
  if (key.includes("/resourcequotas")) return "quota";
  return /\/events( |$)/.test(key) ? "events" : "scope";
}

/**
 * Returns the exit codes for a fault of connections. The affected request and the progress until
 * then are random, so several codes are allowed, and 0 only if everything was done.
 */
function statusesAfterConnectionFault(
  purpose: Purpose,
  restarts: boolean,
  times: Times,
): readonly number[] | undefined {
  if (times === "once") return restarts ? [0, 1, 3, 4, 6] : [0, 1, 6];
  if (READS.has(purpose)) return [1, 6];
  if (!restarts) return undefined;
  // Permissions are checked before the first patch, so nothing is restarted.
  return BEFORE_CONSENT.has(purpose) ? [1] : [3];
}

/** Requests that are sent in parallel before any decision. */
const READS: ReadonlySet<Purpose> = new Set(["namespace", "injection", "scope"]);

const BEFORE_CONSENT: ReadonlySet<Purpose> = new Set(["quota", "workload", "user", "permission"]);

interface FaultCase {
  readonly command: Command;
  readonly key: string;
  readonly fault: Fault;
  readonly times: Times;
}

/**
 * The rule of the matrix: a transient fault of one request has no effect. A permanent one is a gap,
 * unless a dry run answers the same question. Nothing is restarted on incomplete knowledge.
 */
export function expectedOf({ command, key, fault, times }: FaultCase): Expected {
  const { name, transient, gap } = fault;
  const purpose = purposeOf(key);
  if (fault.clockAheadMs !== undefined) return { status: [0] };
  // Credentials are refreshed once.
  if (times === "once" && (transient || name === "401")) return { status: [0] };
  if (fault.affectsConnections) {
    const statuses = statusesAfterConnectionFault(purpose, command === "restart", times);
    // During a restart the fault may prevent the reassessment of a workload, for any reason.
    const reason = command === "restart" && times === "once" ? undefined : gap;
    if (statuses !== undefined) return { status: statuses, gap: reason };
  }
  switch (purpose) {
    // These requests only add lines to the report.
    case "user":
    case "events":
      return { status: [0] };
    case "namespace":
      return name === "404" ? { status: [1] } : { status: [6], gap };
    case "injection":
      // Injection rules from two snapshots may be incomplete.
      if (gap === "inconsistent") return { status: [6], gap };
      // A dry run shows what would be injected, but nothing about revisions.
      return command === "revisions" ? { status: [6], gap } : { status: [0] };
    case "quota":
      return { status: [6], gap };
    case "pod":
      return { status: [1] };
    case "scope":
      if (command !== "explain" || gap === "inconsistent") return { status: [6], gap };
      // Without the pods and their owners there is nothing to explain.
      return /\/(pods|replicasets)/.test(key) ? { status: [1] } : { status: [6], gap };
    case "dry run":
      // The prediction is used unless proof was required.
      return command === "check" ? { status: [6], gap } : { status: [0] };
    case "workload":
      if (command === "check") return { status: [6], gap };
      // The first request only reads the template for the plan.
      return { status: [times === "once" ? 0 : 3] };
    case "permission":
      return command === "restart" ? { status: [1] } : { status: [6], gap };
    case "patch":
      // After a conflict the workload is assessed again.
      if (name === "409") return { status: [times === "once" ? 0 : 4] };
      // A restart that was accepted is followed, although its answer is broken.
      return { status: [fault.carriedOut ? 0 : 3] };
  }
}
