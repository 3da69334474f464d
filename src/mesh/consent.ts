/** The workloads that the user asked to restart besides the outdated ones that are safe to restart. */
export interface Consent {
  /** Workloads whose pods lack a sidecar. */
  readonly missing: boolean;
  /** Workloads on target, to pick up a change that no image shows. */
  readonly current: boolean;
  /** Workloads on target whose sidecars have another configuration, other resources or another mode. */
  readonly drifted: boolean;
  /** Workloads that were failing before the restart. */
  readonly unhealthy: boolean;
  /** Workloads without a pod to spare: `Recreate`, or a StatefulSet with one replica. */
  readonly downtime: boolean;
  /**
   * The revisions to which pods of another revision may move; `asked` if a person decides about each
   * move, by the answer to a question or by approving a plan.
   */
  readonly revisions: "asked" | readonly string[];
  /** True to leave alone the workloads whose restart would change more than the sidecar. */
  readonly onlySidecar: boolean;
  /**
   * True if pods of a newer revision may be replaced although they fail, and although their rollout is in
   * progress, by pods of an older revision.
   */
  readonly back: boolean;
}

export const NO_CONSENT: Consent = {
  missing: false,
  current: false,
  drifted: false,
  unhealthy: false,
  downtime: false,
  revisions: "asked",
  onlySidecar: false,
  back: false,
};
