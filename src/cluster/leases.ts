import type { V1Lease } from "@kubernetes/client-node";
import { isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import type { RetryLimits } from "../http/request.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import type { Lease, LeasePlace } from "../lease.ts";

/** A request that takes longer than a renewal may take is of no use. */
export const LEASE_LIMITS: RetryLimits = { attempts: 3, timeout: 5000, seconds: 10 };

/** Returns the path of the leases in a namespace. */
export function leasesPath(namespace: string): string {
  return `${groupPath("coordination.k8s.io/v1", namespace)}/leases`;
}

/**
 * Reads a lease.
 *
 * @returns `undefined` if it does not exist.
 * @throws ApiError
 */
export async function readLease(
  api: Api,
  { namespace, name }: LeasePlace,
): Promise<Lease | undefined> {
  try {
    const path = `${leasesPath(namespace)}/${name}`;
    const kind = "Lease";
    return leaseFrom(await api.send({ method: "GET", path, kind, limits: LEASE_LIMITS }));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Returns the record of a Lease of the API. */
export function leaseFrom({ metadata = {}, spec = {} }: V1Lease): Lease {
  const { leaseDurationSeconds: seconds, leaseTransitions = 0 } = spec;
  return {
    uid: metadata.uid ?? "",
    resourceVersion: metadata.resourceVersion ?? "",
    holder: spec.holderIdentity ?? "",
    duration: seconds === undefined ? undefined : seconds * 1000,
    acquiredAt: timeFrom(spec.acquireTime),
    renewedAt: timeFrom(spec.renewTime),
    transitions: leaseTransitions,
  };
}

/** client-node's type is a class of its own, but here a time is still the string of the JSON. */
function timeFrom(time: Date | undefined): Date | undefined {
  const read = new Date(time ?? "");
  return Number.isNaN(read.getTime()) ? undefined : read;
}
