import { createTemplateLookup } from "../cluster/owner-template.ts";
import { createProxyConfigLookup } from "../cluster/proxy-configs.ts";
import type { Basis } from "../cluster/read.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { writeStacks } from "../report/error-stack.ts";
import type { AssessmentContext } from "./assess-workload.ts";
import { createDriftLookup } from "./drift-lookup.ts";
import { createRefusalLookup } from "./pod-refusals.ts";
import { assessmentOptions } from "./scope-filter.ts";
import type { Session } from "./session.ts";
import { createSharedProofs } from "./shared-proofs.ts";

/** Creates the context in which a command assesses all workloads of one read. */
export function createAssessmentContext(
  session: Session,
  { namespaces, gaps }: Pick<Basis, "namespaces" | "gaps">,
  mesh: Mesh,
): AssessmentContext {
  const { api, io, prover, settings } = session;
  return {
    namespaces,
    gaps,
    mesh,
    options: assessmentOptions(settings, io.now().getTime()),
    prover,
    proofs: createSharedProofs(prover),
    proxyConfigs: createProxyConfigLookup(api),
    ownTemplate: createTemplateLookup(api),
    lastRefusal: createRefusalLookup(session),
    drift: settings.drift ? createDriftLookup(session, namespaces, mesh) : undefined,
    onUnexpected: (error) => writeStacks(error, io),
  };
}
