import type { Fault, Times } from "./faults.ts";

/** What is to come out of a run, without looking at what did. */
export interface Expected {
  /** Any of these; with 0 the report must be that of a run without the fault. */
  readonly status: readonly number[];
  /** `reason` of a gap, where the report is to be incomplete. */
  readonly gap?: Fault["gap"] | undefined;
}

export const COMMANDS = ["check", "verify", "explain", "revisions", "restart"] as const;
export type Command = (typeof COMMANDS)[number];

/** What a request is for. */
type Purpose =
  | "namespace"
  | "injection"
  | "scope"
  | "pod"
  | "workload"
  | "permission"
  | "user"
  | "trial"
  | "patch"
  | "events"
  | "quota";

const RULES_OF_INJECTION =
  /mutatingwebhookconfigurations|namespaces\/aks-istio-system\/(configmaps|services|deployments|endpointslices)( |$)/;

function purposeOf(key: string): Purpose {
  if (key.startsWith("PATCH")) return "patch";
  if (key.includes("selfsubjectaccessreviews")) return "permission";
  if (key.includes("selfsubjectreviews")) return "user";
  if (key.startsWith("POST")) return "trial";
  if (RULES_OF_INJECTION.test(key)) return "injection";
  if (/\/api\/v1\/namespaces\/[^/]+$/.test(key)) return "namespace";
  if (/\/(pods|replicasets)\/\*/.test(key)) return "pod";
  if (/\/(deployments|statefulsets|daemonsets)\/[^/]+$/.test(key)) return "workload";
  if (key.includes("/resourcequotas")) return "quota";
  return /\/events( |$)/.test(key) ? "events" : "scope";
}

/**
 * Which of the requests that wait for a connection meets the fault is chance, and so is what had
 * been read and done by then: anything that does not read as fine, and 0 only where all was done.
 */
function ofConnections(
  purpose: Purpose,
  restarts: boolean,
  times: Times,
): readonly number[] | undefined {
  if (times === "once") return restarts ? [0, 1, 3, 4, 6] : [0, 1, 6];
  if (READS.has(purpose)) return [1, 6];
  if (!restarts) return undefined;
  // Before the first patch it is found out what may be done: nothing, then.
  return BEFORE_CONSENT.has(purpose) ? [1] : [3];
}

/** What is asked for side by side, before anything is decided. */
const READS: ReadonlySet<Purpose> = new Set(["namespace", "injection", "scope"]);

const BEFORE_CONSENT: ReadonlySet<Purpose> = new Set(["quota", "workload", "user", "permission"]);

interface Struck {
  readonly command: Command;
  readonly key: string;
  readonly fault: Fault;
  readonly times: Times;
}

/**
 * The rule of the matrix. What passes after one try leaves nothing behind. What lasts is a gap, unless
 * the API server's own word on a pod stands in for it; and nothing half known is acted upon.
 */
export function expect({ command, key, fault, times }: Struck): Expected {
  const { name, passes, gap } = fault;
  const purpose = purposeOf(key);
  if (fault.ahead !== undefined) return { status: [0] };
  // Credentials are renewed once.
  if (times === "once" && (passes || name === "401")) return { status: [0] };
  if (fault.ofConnections) {
    const met = ofConnections(purpose, command === "restart", times);
    // In the middle of a restart it may keep a workload from being judged again, for any reason.
    const reason = command === "restart" && times === "once" ? undefined : gap;
    if (met !== undefined) return { status: met, gap: reason };
  }
  switch (purpose) {
    // Only lines of the report.
    case "user":
    case "events":
      return { status: [0] };
    case "namespace":
      return name === "404" ? { status: [1] } : { status: [6], gap };
    case "injection":
      // Rules of two states side by side are not known to be less than all of them.
      if (gap === "inconsistent") return { status: [6], gap };
      // A dry run tells what would be injected; of revisions as such it tells nothing.
      return command === "revisions" ? { status: [6], gap } : { status: [0] };
    case "quota":
      return { status: [6], gap };
    case "pod":
      return { status: [1] };
    case "scope":
      if (command !== "explain" || gap === "inconsistent") return { status: [6], gap };
      // Without its pods, or whose they are, there is nothing to explain.
      return /\/(pods|replicasets)/.test(key) ? { status: [1] } : { status: [6], gap };
    case "trial":
      // What is predicted stands, where proof was not demanded.
      return command === "check" ? { status: [6], gap } : { status: [0] };
    case "workload":
      if (command === "check") return { status: [6], gap };
      // The first time only its template is looked at, for a plan that somebody may approve.
      return { status: [times === "once" ? 0 : 3] };
    case "permission":
      return command === "restart" ? { status: [1] } : { status: [6], gap };
    case "patch":
      // Once changed meanwhile, it is judged anew.
      if (name === "409") return { status: [times === "once" ? 0 : 4] };
      // Whatever became of the answer: what was carried out is followed.
      return { status: [fault.carriedOut ? 0 : 3] };
  }
}
