import type { Basis } from "../cluster/read.ts";
import { hasUnreadTemplate, type TemplateLookup } from "../cluster/owner-template.ts";
import type { ProxyConfigLookup } from "../cluster/proxy-configs.ts";
import { isUnexpected, messageOf } from "../errors.ts";
import {
  assess,
  type Assessment,
  type AssessmentOptions,
  type ServerAnswers,
  unassessed,
} from "../mesh/assessment.ts";
import { contradictsTarget } from "../mesh/compared-workload.ts";
import { isRenderedGateway } from "../mesh/managed.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { isComposed, needsProof, proofQuestion, type ProofQuestion } from "../mesh/proof-need.ts";
import { type DryRun, isInjectedByHand, type Namespace, type Workload } from "../snapshot.ts";
import type { Verdict } from "../mesh/verdict.ts";
import type { DriftLookup } from "./drift-lookup.ts";
import type { Prover } from "./prover.ts";
import type { SharedProofs } from "./shared-proofs.ts";
import type { RefusalLookup } from "./pod-refusals.ts";

/** Everything besides the workload itself that its assessment depends on. */
export interface AssessmentContext extends Pick<Basis, "namespaces" | "gaps"> {
  readonly mesh: Mesh;
  readonly options: AssessmentOptions;
  readonly prover: Prover;
  /** The workloads that `--prove=auto` proves. */
  readonly isProofNeeded?: typeof needsProof;
  /** The dry runs whose answers several workloads share. */
  readonly proofs: SharedProofs;
  /** True if every namespace must be asked about the targets of its workloads, for a plan. */
  readonly isPlan?: boolean;
  /** True for a namespace with labels that the API server does not have yet: no dry run sees them. */
  readonly isPredicted?: ((namespace: string) => boolean) | undefined;
  readonly proxyConfigs: ProxyConfigLookup;
  readonly ownTemplate: TemplateLookup;
  readonly lastRefusal: RefusalLookup;
  /** Absent if nobody asked for the other changes of a restart. */
  readonly drift?: DriftLookup | undefined;
  /** Gets each unexpected error, whose workload becomes `unknown`. */
  readonly onUnexpected?: (error: unknown) => void;
}

/**
 * Assesses one workload. Asks the API server for a dry run if the settings call for one, and for the
 * reason why the workload has no pods if nothing else says so. An unexpected error makes the workload
 * `unknown`, so that it does not end a command about all others.
 *
 * @returns `undefined` for a workload outside the mesh.
 */
export async function assessWorkload(
  context: AssessmentContext,
  workload: Workload,
): Promise<Assessment | undefined> {
  try {
    return await assessWithAnswers(context, workload);
  } catch (error) {
    if (!isUnexpected(error)) throw error;
    context.onUnexpected?.(error);
    const namespace = context.namespaces.get(workload.namespace);
    return unassessed(workload, namespace, context.options, messageOf(error));
  }
}

async function assessWithAnswers(
  context: AssessmentContext,
  listed: Workload,
): Promise<Assessment | undefined> {
  const { mesh, namespaces, options, lastRefusal } = context;
  const namespace = namespaces.get(listed.namespace);
  const workload = await withOwnSidecar(context, listed, namespace);
  if (context.isPredicted?.(listed.namespace) === true) {
    // A comparison with new pods is possible once the namespace has its labels.
    return assess(workload, namespace, mesh, { ...options, onlySidecar: false });
  }
  const predicted = assess(workload, namespace, mesh, options);
  const answers = await answersFor(context, workload, predicted, namespace);
  const assessment = answers ? assess(workload, namespace, mesh, options, answers) : predicted;
  if (assessment !== undefined && context.drift !== undefined) {
    const drifted = await withDrift({ ...context, drift: context.drift }, assessment, answers);
    if (drifted !== undefined) return drifted;
  }
  if (!lacksPods(assessment)) return assessment;
  const refusal = await lastRefusal(workload);
  return assess(workload, namespace, mesh, options, { ...answers, refusal });
}

/**
 * Assesses a workload again with the other changes of a restart. If they show another sidecar than the
 * prediction, a dry run of the workload decides.
 *
 * @returns `undefined` if the changes are unknown.
 */
export async function withDrift(
  context: Pick<AssessmentContext, "mesh" | "options" | "namespaces" | "prover"> & {
    readonly drift: DriftLookup;
  },
  assessment: Assessment,
  answers: ServerAnswers | undefined,
): Promise<Assessment | undefined> {
  const { mesh, options, namespaces, prover } = context;
  const { workload } = assessment;
  const compared = await context.drift.of(assessment);
  if (compared === undefined) return undefined;
  const proof = contradictsTarget(assessment, compared.drift)
    ? { dryRun: await prover.prove(workload) }
    : undefined;
  const namespace = namespaces.get(workload.namespace);
  return assess(workload, namespace, mesh, options, { ...answers, ...proof, ...compared });
}

/** The verdicts that a sidecar in the workload's own template may change. */
const BY_TEMPLATE: ReadonlySet<Verdict | undefined> = new Set([
  "would-lose",
  "outdated",
  "unknown",
] as const);

/**
 * Replaces the template that was taken from a pod by the workload's own, if the sidecar is part of it:
 * the pod does not show who injected the sidecar.
 */
async function withOwnSidecar(
  { mesh, options, ownTemplate }: AssessmentContext,
  workload: Workload,
  namespace: Namespace | undefined,
): Promise<Workload> {
  if (!hasUnreadTemplate(workload)) return workload;
  const verdict = assess(workload, namespace, mesh, options)?.verdict;
  if (!BY_TEMPLATE.has(verdict)) return workload;
  const template = await ownTemplate(workload);
  if (template === undefined || !isInjectedByHand(template)) return workload;
  // The controller adds labels to its pods.
  const labels = { ...template.labels, ...workload.template?.labels };
  return { ...workload, template: { ...template, labels } };
}

/**
 * Asks for a dry run if a prediction needs one, or raises a question that one answers.
 *
 * @returns `undefined` if the prediction counts as it is.
 */
async function answersFor(
  context: AssessmentContext,
  workload: Workload,
  predicted: Assessment | undefined,
  namespace: Namespace | undefined,
): Promise<ServerAnswers | undefined> {
  const question = namespace && (await questionAbout(context, predicted));
  if (mustProve(context, predicted, namespace)) {
    return answersTo(question, await context.prover.prove(workload));
  }
  if (question === undefined) return undefined;
  if (context.prover.when === "never") return answersTo(question, SWITCHED_OFF);
  const dryRun = await ask(context, workload, question);
  return dryRun && answersTo(question, dryRun);
}

/** The answer if the user wants no dry run. */
export const SWITCHED_OFF: DryRun = { kind: "unavailable", message: "--prove=never" };

/** Finds the question that a prediction raises, and reads what it depends on. */
export async function questionAbout(
  { mesh, proxyConfigs }: Pick<AssessmentContext, "mesh" | "proxyConfigs">,
  predicted: Assessment | undefined,
): Promise<ProofQuestion | undefined> {
  if (!isComposed(predicted)) return proofQuestion(predicted, mesh, []);
  const { namespace } = (predicted as Assessment).workload;
  const places = [...new Set([namespace, ...rootNamespaces(mesh)])];
  const read = await Promise.all(places.map(proxyConfigs));
  const isRead = read.every((configs) => configs !== undefined);
  return proofQuestion(predicted, mesh, isRead ? read.flatMap((configs) => configs) : undefined);
}

function rootNamespaces({ revisions }: Mesh): readonly string[] {
  return [...revisions.values()].map(({ rootNamespace }) => rootNamespace);
}

/** Returns the answer to a question; `undefined` if another workload's dry run confirms the target. */
async function ask(
  { proofs, isPlan = false }: AssessmentContext,
  workload: Workload,
  { key, targetKey, confirms }: ProofQuestion,
): Promise<DryRun | undefined> {
  if (targetKey !== undefined && !isPlan) {
    const { dryRun, own } = await proofs.prove(targetKey, workload);
    if (own) return dryRun;
    if (dryRun.kind !== "pod" || confirms(dryRun)) return undefined;
  }
  const { dryRun } = await proofs.prove(key, workload);
  return dryRun;
}

/** Returns the answers to a question; without an answer, the finding about that. */
export function answersTo(question: ProofQuestion | undefined, dryRun: DryRun): ServerAnswers {
  const message = dryRun.kind === "unavailable" ? dryRun.message : undefined;
  const unproved = message === undefined ? undefined : question?.unproved?.(message);
  return { dryRun, unproved };
}

function mustProve(
  { prover, gaps, isProofNeeded = needsProof }: AssessmentContext,
  predicted: Assessment | undefined,
  namespace: Namespace | undefined,
): boolean {
  // The namespace may exclude the workload: without it, a proof decides nothing.
  if (namespace === undefined) return false;
  if (predicted !== undefined && isRenderedGateway(predicted.workload)) return false;
  switch (prover.when) {
    case "never":
      return false;
    case "always":
      return predicted?.verdict !== "managed" && predicted?.verdict !== "excluded";
    case "auto": {
      // A prediction from rules that are not all known may be wrong.
      const isUncertain = gaps.some(({ about }) => about === "injection");
      return (predicted !== undefined && isUncertain) || isProofNeeded(predicted, namespace);
    }
  }
}

/** True if the workload asks for pods, has none, and the reason is still unknown. */
function lacksPods(assessment: Assessment | undefined): boolean {
  return assessment?.finding.code === "no-pods" && !assessment.proved;
}
