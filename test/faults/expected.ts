import type { Fault } from "./faults.ts";

/** What is to come out of a run, without looking at what did. */
export interface Expected {
  /** Any of these; with 0 the report must be that of a run without the fault. */
  readonly status: readonly number[];
  /** `reason` of a gap, where the report is to be incomplete. */
  readonly gap?: Fault["gap"] | undefined;
  /** With 0 too the record of what was done may be another: the workload was left alone. */
  readonly otherRecord?: true;
}

export const COMMANDS = ["check", "verify", "explain", "revisions", "restart"] as const;
export type Command = (typeof COMMANDS)[number];

/** What a request is for. */
type Purpose =
  | "namespace"
  | "injection"
  | "scope"
  | "workload"
  | "permission"
  | "user"
  | "trial"
  | "patch"
  | "events";

const RULES_OF_INJECTION =
  /mutatingwebhookconfigurations|namespaces\/aks-istio-system\/(configmaps|services|deployments|endpointslices)/;

function purposeOf(key: string): Purpose {
  if (key.startsWith("PATCH")) return "patch";
  if (key.includes("selfsubjectaccessreviews")) return "permission";
  if (key.includes("selfsubjectreviews")) return "user";
  if (key.startsWith("POST")) return "trial";
  if (RULES_OF_INJECTION.test(key)) return "injection";
  if (/\/api\/v1\/namespaces\/[^/]+$/.test(key)) return "namespace";
  if (/\/(deployments|statefulsets|daemonsets)\/[^/]+$/.test(key)) return "workload";
  return /\/events( |$)/.test(key) ? "events" : "scope";
}

/**
 * The rule of the matrix. What passes after one try leaves nothing behind. What lasts is a gap, unless
 * the API server's own word on a pod stands in for it; and nothing half known is acted upon.
 */
export function expect(
  command: Command,
  key: string,
  { name, passes, gap }: Fault,
  times: "once" | "for ever",
): Expected {
  // Credentials are renewed once.
  if (times === "once" && (passes || name === "401")) return { status: [0] };
  const purpose = purposeOf(key);
  switch (purpose) {
    // Only lines of the report.
    case "user":
    case "events":
      return { status: [0] };
    case "namespace":
      return name === "404" ? { status: [1] } : { status: [6], gap };
    case "injection":
      // A dry run tells what would be injected; of revisions as such it tells nothing.
      return command === "revisions" ? { status: [6], gap } : { status: [0] };
    case "scope":
      // The final look is a fresh one: once is over by then.
      if (command === "restart" && times === "once") return { status: [0, 6], otherRecord: true };
      if (command !== "explain") return { status: [6], gap };
      // Without what is to be explained there is nothing to explain.
      return { status: [1, 6] };
    case "trial":
      // Refused, new pods would be: the run must not restart anything. Unanswered, it is predicted.
      return name === "403" || passes ? { status: [0] } : { status: [0, 5, 6] };
    case "workload":
      // 404: it was deleted, and the final look shows whether it was.
      return name === "404" || times === "once"
        ? { status: [0, 2, 3], otherRecord: true }
        : { status: [2, 3] };
    case "permission":
      return { status: [1] };
    case "patch":
      // Once changed meanwhile, it is judged anew.
      if (name === "409" && times === "once") return { status: [0] };
      // It was carried out before the answer was spoilt: seen in the workload, it is followed.
      return { status: name === "half a document" ? [0, 3, 4] : [3, 4] };
  }
}
