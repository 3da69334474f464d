import { readFile } from "node:fs/promises";
import type { RealCluster } from "./real-cluster.ts";

/** A request of the program in the API server's audit log. */
export interface AuditedRequest {
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  /** The time in RFC 3339, with microseconds. */
  readonly requestReceivedTimestamp: string;
  readonly responseStatus?: { readonly code?: number };
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}

/** Returns the program's writes in a namespace, without reviews and dry runs. */
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
        !["get", "list", "watch"].includes(verb) &&
        !requestURI.includes("dryRun=All"),
    );
}

export interface AuditedPermission {
  readonly verb: string;
  readonly group: string;
  /** The resource; `undefined` for other paths, such as discovery. */
  readonly resource: string | undefined;
  readonly namespace: string | undefined;
  readonly allowed: boolean;
}

/** Returns all requests of one user, and whether they were allowed. */
export async function auditOf(
  cluster: RealCluster,
  user: string,
): Promise<readonly AuditedPermission[]> {
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
