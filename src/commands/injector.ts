import { CannotRun } from "../errors.ts";
import { managedFinding } from "../mesh/managed.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Snapshot, Workload } from "../snapshot.ts";
import type { Session } from "./session.ts";

/**
 * Without one injector there is nothing to compare with, and no sidecar to be had. But where pods
 * still have one the control plane was taken away from under them: they are what is to be told.
 *
 * @throws CannotRun where the Istio of `--istio-namespace` is not in this cluster.
 */
export function requireInjector(
  { workloads }: Pick<Snapshot, "workloads">,
  mesh: Mesh,
  { api }: Session,
): void {
  if (hasInjector(mesh)) return;
  const { istioNamespace } = mesh;
  const [elsewhere] = homesOf(mesh);
  if (elsewhere === undefined && workloads.some(hasSidecar)) return;
  throw new CannotRun(
    `no ConfigMap istio-sidecar-injector* in the namespace "${istioNamespace}" of ${api.connection.server.host}`,
    elsewhere === undefined
      ? "is this cluster on the AKS Istio add-on? For another Istio name its namespace: --istio-namespace istio-system"
      : `the injector of this cluster is in another namespace: --istio-namespace ${elsewhere}`,
  );
}

/** One that is there, or of which what is left may still keep pods from being created. */
export function hasInjector(mesh: Mesh): boolean {
  const { revisions, revisionsUnread, istioNamespace } = mesh;
  return revisionsUnread || revisions.size > 0 || homesOf(mesh).includes(istioNamespace);
}

/** Namespaces that injectors are in. */
function homesOf({ injectors }: Mesh): readonly string[] {
  return injectors?.flatMap(({ service }) => service?.namespace ?? []) ?? [];
}

function hasSidecar(workload: Workload): boolean {
  const { pods } = workload;
  return (
    pods.some(({ image }) => image !== undefined) && managedFinding(workload, pods) === undefined
  );
}
