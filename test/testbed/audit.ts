import { readFile } from "node:fs/promises";
import type { RealCluster } from "./real-cluster.ts";

/** One request of the program, by the API server's own account. */
export interface AuditedRequest {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  /** RFC 3339 with microseconds. */
  readonly requestReceivedTimestamp: string;
  readonly responseStatus?: { readonly code?: number };
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}

/** What the program changed in a namespace: no reads, no reviews, no dry runs. */
export async function auditedWrites(
  cluster: RealCluster,
  namespace: string,
): Promise<readonly AuditedRequest[]> {
  const log = await readFile(cluster.auditLog, "utf8");
  return log
    .split("\n")
    .filter((line) => line.includes('"userAgent":"istio-upgrade"'))
    .map((line) => JSON.parse(line) as AuditedRequest)
    .filter(
      ({ verb, requestURI, objectRef }) =>
        objectRef?.namespace === namespace &&
        !["get", "list"].includes(verb) &&
        !requestURI.includes("dryRun=All"),
    );
}

export interface Asked {
  readonly verb: string;
  readonly group: string;
  /** `undefined` for what is no resource, such as discovery. */
  readonly resource: string | undefined;
  readonly namespace: string | undefined;
  readonly allowed: boolean;
}

/** Everything that one user has asked for, and whether it was allowed. */
export async function auditOf(cluster: RealCluster, user: string): Promise<readonly Asked[]> {
  const log = await readFile(cluster.auditLog, "utf8");
  return log
    .split("\n")
    .filter((line) => line.includes(`"username":"${user}"`))
    .map((line) => JSON.parse(line))
    .map(({ verb, objectRef, annotations }) => ({
      verb,
      group: objectRef?.apiGroup ?? "",
      resource: objectRef?.resource,
      namespace: objectRef?.namespace,
      allowed: annotations?.["authorization.k8s.io/decision"] === "allow",
    }));
}
