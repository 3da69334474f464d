/** The workloads that the user asked to restart besides the outdated ones that are safe to restart. */
export interface Consent {
  /** Workloads whose pods lack a sidecar. */
  readonly missing: boolean;
  /** Workloads on target, to pick up a change that no image shows. */
  readonly current: boolean;
  /** Workloads that were failing before the restart. */
  readonly unhealthy: boolean;
  /** Workloads without a pod to spare: `Recreate`, or a StatefulSet with one replica. */
  readonly downtime: boolean;
}

export const NO_CONSENT: Consent = {
  missing: false,
  current: false,
  unhealthy: false,
  downtime: false,
};
