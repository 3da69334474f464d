import type { Fault, Times } from "./faults.ts";

/** The expected result of a run, derived from the fault alone. */
export interface Expected {
  /**
   * The allowed exit codes. 0 stands for the exit code of a run without a fault, and the report must
   * equal that of such a run.
   */
  readonly status: readonly number[];
  /** The `reason` of a gap, if the report must be incomplete. */
  readonly gap?: Fault["gap"] | undefined;
  /** Set if the report with the usual exit code is another one, because it names what was not read. */
  readonly report?: "other" | "any";
}

export const COMMANDS = [
  "check",
  "verify",
  "explain",
  "revisions",
  "status",
  "restart",
  "move",
] as const;
export type Command = (typeof COMMANDS)[number];

/** The commands that change the cluster. */
export const CHANGES: ReadonlySet<Command> = new Set(["restart", "move"]);

/** The purpose of a request. */
type Purpose =
  | "namespace"
  | "selection"
  | "injection"
  | "scope"
  | "pod"
  | "workload"
  | "permission"
  | "user"
  | "dry run"
  | "patch"
  | "label"
  | "events"
  | "notice"
  | "lease read"
  | "lease creation"
  | "lease change"
  | "watch"
  | "quota"
  | "surroundings";

const RULES_OF_INJECTION =
  /mutatingwebhookconfigurations|namespaces\/aks-istio-system\/(configmaps|services|deployments|endpointslices)( |$)/;

function purposeOf(key: string): Purpose {
  if (key.includes("/leases")) {
    if (key.startsWith("GET")) return "lease read";
    return key.startsWith("POST") ? "lease creation" : "lease change";
  }
  if (/^POST .*\/events$/.test(key)) return "notice";
  if (key.startsWith("PATCH")) return /\/v1\/namespaces\/[^/]+$/.test(key) ? "label" : "patch";
  if (key.endsWith("(watch)")) return "watch";
  if (/\/(nodes|envoyfilters)( |$)/.test(key)) return "surroundings";
  if (key.includes("selfsubjectaccessreviews")) return "permission";
  if (key.includes("selfsubjectreviews")) return "user";
  if (key.startsWith("POST")) return "dry run";
  if (RULES_OF_INJECTION.test(key)) return "injection";
  if (key.includes("(selected)")) return "selection";
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
  if (!restarts || purpose === "label") return undefined;
  // The first watch comes after the first patch, when others may be read or patched.
  if (purpose === "watch") return [3, 4];
  // The first change of the lease may be the one that gives it back.
  if (purpose === "lease change") return [0, 3, 4, 6];
  // Permissions are checked before the first patch, so nothing is restarted.
  return BEFORE_CHANGES.has(purpose) ? [1] : [3];
}

/** Requests that are sent in parallel before any decision. */
const READS: ReadonlySet<Purpose> = new Set(["namespace", "selection", "injection", "scope"]);

const BEFORE_CHANGES: ReadonlySet<Purpose> = new Set([
  "quota",
  "workload",
  "user",
  "permission",
  "lease read",
  "lease creation",
]);

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
export function expectedOf(one: FaultCase): Expected {
  const { command, fault, times } = one;
  const expected = expectedOfRequest(one);
  // A run ends as soon as one of its requests finds out that the login is no longer accepted.
  const mayLoseLogin = CHANGES.has(command) && fault.name === "401" && times === "always";
  return mayLoseLogin ? { ...expected, status: [...expected.status, 4] } : expected;
}

function expectedOfRequest({ command, key, fault, times }: FaultCase): Expected {
  const { name, transient, gap } = fault;
  const purpose = purposeOf(key);
  if (fault.clockAheadMs !== undefined) return { status: [0] };
  // Credentials are refreshed once.
  if (times === "once" && (transient || name === "401")) return { status: [0] };
  if (fault.affectsConnections) {
    const statuses = statusesAfterConnectionFault(purpose, CHANGES.has(command), times);
    // During a restart the fault may prevent the reassessment of a workload, for any reason.
    const reason = CHANGES.has(command) && times === "once" ? undefined : gap;
    // It may hit a request whose answer is only advice.
    const report = command === "status" ? ({ report: "any" } as const) : {};
    if (statuses !== undefined) return { status: statuses, gap: reason, ...report };
  }
  switch (purpose) {
    // These requests only add lines to the report.
    case "user":
    case "events":
    // A watch only brings forward a read that follows anyway.
    case "watch":
      return { status: [0] };
    // `status` says which advice it cannot give.
    case "surroundings":
      // Without the CRD of Istio, the answer about EnvoyFilters is 404, with any body.
      return { status: [0], report: key.includes("/nodes") ? "other" : "any" };
    case "namespace":
      // `move` writes nothing until it has read what it is about to change.
      if (command === "move") return { status: [name === "404" ? 64 : 1] };
      return name === "404" ? { status: [1] } : { status: [6], gap };
    case "selection":
      // Without the namespaces in scope, there is nothing to report.
      return { status: [1] };
    case "injection":
      if (command === "move") return { status: [1] };
      // Injection rules from two snapshots may be incomplete.
      if (gap === "inconsistent") return { status: [6], gap };
      // A dry run shows what would be injected, but nothing about revisions.
      return command === "revisions" || command === "status"
        ? { status: [6], gap }
        : { status: [0] };
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
      if (command === "restart" || command === "move") return { status: [1] };
      // Without the other changes of a restart, `explain` has a note.
      return command === "explain" ? { status: [0] } : { status: [6], gap };
    // Nothing is restarted without the lease. The status of a broken answer may say that it does not exist, or
    // exists already.
    case "lease read":
      return { status: name === "404" ? [0] : fault.carriedOut ? [0, 1] : [1] };
    case "lease creation":
      // After a conflict the lease is read again.
      if (name === "409" && times === "once") return { status: [0] };
      return { status: fault.carriedOut ? [0, 1] : [1] };
    // Without a renewal the lease is lost after twenty seconds, unless everything is done by then.
    case "lease change":
      return { status: [0, 4] };
    case "notice":
      // The second attempt of one that was written may have another broken answer.
      return { status: [6], gap: fault.carriedOut ? undefined : gap };
    case "label":
      if (name === "409") return { status: [times === "once" ? 0 : 4] };
      // After an answer that makes no sense, a new read shows if the label is set.
      if (gap === "malformed" && times === "once") return { status: [0] };
      return { status: [fault.carriedOut ? 0 : 4] };
    case "patch":
      // After a conflict the workload is assessed again, and if the API server did not find it.
      if (name === "409" || name === "404") return { status: [times === "once" ? 0 : 4] };
      // Without a login or a permission, the run ends.
      if (name === "401" || name === "403") return { status: [4] };
      // A restart that was accepted is followed, although its answer is broken.
      return { status: [fault.carriedOut ? 0 : 3] };
  }
}
