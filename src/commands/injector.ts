import { CannotRun } from "../errors.ts";
import { managedFinding } from "../mesh/managed.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { type Command, istioUpgrade, sentence } from "../next-step.ts";
import type { Snapshot, Workload } from "../snapshot.ts";
import type { Session } from "./session.ts";

/**
 * Requires an injector, because without one there is no target to compare with. If pods still have
 * sidecars, their control plane was removed, and the report is about these pods.
 *
 * @throws CannotRun if no Istio is installed in the namespace of `--istio-namespace`.
 */
export function requireInjector(
  { workloads }: Pick<Snapshot, "workloads">,
  mesh: Mesh,
  { api }: Session,
): void {
  if (hasInjector(mesh)) return;
  const { istioNamespace } = mesh;
  const [elsewhere] = injectorNamespaces(mesh);
  if (elsewhere === undefined && workloads.some(hasSidecar)) return;
  throw new CannotRun(
    `no ConfigMap istio-sidecar-injector* in the namespace "${istioNamespace}" of ${api.connection.server.host}`,
    elsewhere === undefined
      ? sentence`does this cluster use the AKS Istio add-on? For another Istio, name its namespace: ${checkIn("istio-system")}`
      : sentence`the injector of this cluster is in another namespace: ${checkIn(elsewhere)}`,
    { code: "not-found" },
  );
}

function checkIn(istioNamespace: string): Command {
  return istioUpgrade("check", "--istio-namespace", istioNamespace);
}

/** True if an injector exists, or a leftover webhook may still reject pods. */
export function hasInjector(mesh: Mesh): boolean {
  const { revisions, revisionsUnread, istioNamespace } = mesh;
  return revisionsUnread || revisions.size > 0 || injectorNamespaces(mesh).includes(istioNamespace);
}

/** The namespaces of the services that the webhooks call. */
function injectorNamespaces({ injectors }: Mesh): readonly string[] {
  return injectors?.flatMap(({ service }) => service?.namespace ?? []) ?? [];
}

function hasSidecar(workload: Workload): boolean {
  const { pods } = workload;
  return (
    pods.some(({ image }) => image !== undefined) && managedFinding(workload, pods) === undefined
  );
}
