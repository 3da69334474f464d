import {
  byNamespaceAndName,
  type ControlPlane,
  type Gap,
  type Namespace,
  type Snapshot,
  type Workload,
} from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { readControlPlane } from "./control-plane.ts";
import { Gaps } from "./gaps.ts";
import { readNamespaces } from "./namespaces.ts";
import { readWorkloads } from "./workloads.ts";

export interface ReadScope {
  readonly istioNamespace: string;
  /** `undefined`: all of the cluster. */
  readonly namespaces: readonly string[] | undefined;
  /** Of the workloads' own labels; a bare pod's, too. */
  readonly labelSelector?: string | undefined;
}

/** What every verdict rests on, whichever namespace its workload is in. */
export interface Basis {
  readonly controlPlane: ControlPlane;
  /** By name. A namespace that is absent could not be read. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** Of what is read so far: all of what injection is decided by. */
  readonly gaps: readonly Gap[];
}

/**
 * Reads everything that a check decides upon, straight from the API server, and keeps no more of it
 * than `visit` does. What cannot be read becomes a gap, and the rest goes on.
 *
 * @param visit gets the workloads of one namespace after the other, once it is known what decides
 *   about them.
 * @returns what decides, with the gaps of all that was read.
 * @throws CannotRun where nothing at all could be read, or a namespace in scope does not exist.
 */
export async function readCluster(
  api: Api,
  { istioNamespace, namespaces, labelSelector }: ReadScope,
  visit: (workloads: readonly Workload[], basis: Basis) => void,
  gaps: Gaps = new Gaps(api),
): Promise<Basis> {
  const basis = Promise.all([
    readControlPlane(api, istioNamespace, gaps),
    readNamespaces(api, namespaces, gaps),
  ]).then(([controlPlane, named]) => ({ controlPlane, namespaces: named, gaps: gaps.soFar() }));
  const places = namespaces ?? [undefined];
  await Promise.all([
    basis,
    ...places.map((namespace) =>
      readWorkloads(api, { namespace, labelSelector }, gaps, async (workloads) => {
        visit(workloads, await basis);
      }),
    ),
  ]);
  return { ...(await basis), gaps: gaps.result() };
}

/** As `readCluster`, with all workloads, sorted. */
export async function readSnapshot(
  api: Api,
  scope: ReadScope,
  gaps: Gaps = new Gaps(api),
): Promise<Snapshot> {
  const parts: (readonly Workload[])[] = [];
  const visit = (workloads: readonly Workload[]) => void parts.push(workloads);
  const basis = await readCluster(api, scope, visit, gaps);
  return { ...basis, workloads: parts.flat().sort(byNamespaceAndName) };
}
