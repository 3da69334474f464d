/** The place of a Lease of the API group `coordination.k8s.io`. */
export interface LeasePlace {
  readonly namespace: string;
  readonly name: string;
}

/** The content of a Lease. Times are those of the clock of its holder. */
export interface LeaseContent {
  /** The name of the run that holds the lease; empty if it is free. */
  readonly holder: string;
  /** The time from a renewal until the lease expires, in milliseconds; `undefined` if it has none. */
  readonly duration: number | undefined;
  readonly acquiredAt: Date | undefined;
  readonly renewedAt: Date | undefined;
  /** The number of times that the lease got another holder. */
  readonly transitions: number;
}

/** A Lease as it was read. */
export interface Lease extends LeaseContent {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Returns the name of a lease for messages: `"ops/istio-upgrade"`. */
export function leaseName({ namespace, name }: LeasePlace): string {
  return `"${namespace}/${name}"`;
}
