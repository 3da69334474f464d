import type { Age } from "../../../src/mesh/age.ts";
import {
  type Assessment,
  assess,
  type AssessmentOptions,
  type ServerAnswers,
} from "../../../src/mesh/assessment.ts";
import { type Mesh, resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { controlPlane } from "./control-plane.ts";
import { namespace, type NamespaceOptions } from "./namespace.ts";
import { proxyImage } from "./pod-group.ts";

/** Returns a mesh of one revision, by default asm-1-27 with the image v1.27.9-6. */
export function meshOf(tag = "v1.27.9-6", revision = "asm-1-27"): Mesh {
  return resolveMesh(
    controlPlane({ revisions: [{ name: revision, values: { image: proxyImage(tag) } }] }),
  );
}

/**
 * Assesses a workload by the real rules in a namespace of the revision. Throws if the workload is
 * outside the mesh.
 */
export function assessmentOf(
  workload: Workload,
  options: {
    readonly mesh?: Mesh;
    readonly labels?: NamespaceOptions;
    readonly policy?: Partial<AssessmentOptions>;
    readonly answers?: ServerAnswers;
  } = {},
): Assessment {
  const mesh = options.mesh ?? meshOf();
  const [revision = ""] = mesh.revisions.keys();
  const home = namespace(workload.namespace, options.labels ?? { rev: revision });
  const policy = { ...NO_CONSENT, excludes: () => undefined, ...options.policy };
  const assessment = assess(workload, home, mesh, policy, options.answers);
  if (assessment === undefined) throw new Error(`${workload.name} is outside the mesh`);
  return assessment;
}

/** Adds the time for which a workload and all its outdated pods have been outdated. */
export function aged(assessment: Assessment, outdatedFor: Age): Assessment {
  if (assessment.verdict !== "outdated") throw new Error("the workload is not outdated");
  const running = assessment.running.map((group) =>
    group.change === "none" ? group : { ...group, outdatedFor },
  );
  return { ...assessment, running, outdatedFor };
}
