import { listIstiodReleases } from "../cluster/istiod-releases.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { withAges } from "../mesh/outdated-since.ts";
import type { IstiodRelease } from "../snapshot.ts";
import { readOrNote } from "./optional-read.ts";
import type { Session } from "./session.ts";

/** Adds the time for which a workload has been outdated. */
export type AgeLookup = (assessment: Assessment) => Promise<Assessment>;

/**
 * Creates a lookup for one read of the scope. It lists the ReplicaSets of the istiods once, when the
 * first workload is outdated.
 */
export function createAgeLookup(session: Pick<Session, "api" | "notes">, mesh: Mesh): AgeLookup {
  let listed: Promise<readonly IstiodRelease[]> | undefined;
  return async (assessment) => {
    if (assessment.verdict !== "outdated") return assessment;
    return withAges(assessment, mesh, await (listed ??= releasesOf(session, mesh)));
  };
}

/** Returns none if they could not be read: the ages then begin with the last change of the target. */
async function releasesOf(
  session: Pick<Session, "api" | "notes">,
  { istioNamespace, istiods }: Mesh,
): Promise<readonly IstiodRelease[]> {
  // Without the Deployments, nothing says which ReplicaSet is used now.
  if (istiods === undefined) return [];
  const releases = await readOrNote(
    session,
    listIstiodReleases(session.api, istioNamespace),
    `list replicasets in ${istioNamespace}: workloads may have been outdated for longer than reported`,
  );
  return releases ?? [];
}
