import pLimit from "p-limit";
import { listBudgets } from "../../cluster/budgets.ts";
import { readImageNode } from "../../cluster/image-nodes.ts";
import { readSidecarPods } from "../../cluster/sidecar-pods.ts";
import { CannotRun } from "../../errors.ts";
import { ApiError, isForbidden } from "../../http/api-error.ts";
import type { Assessment } from "../../mesh/assessment.ts";
import { isRenderedGateway } from "../../mesh/managed.ts";
import type { Mesh } from "../../mesh/mesh.ts";
import {
  decideInPlace,
  type InPlace,
  type InPlaceConsent,
  type InPlaceFacts,
  ruledOutInPlace,
} from "../../mesh/in-place.ts";
import { hasSidecar } from "../../mesh/running-pods.ts";
import { kubectl, sentence } from "../../next-step.ts";
import { type ImageNode, isBeingReplaced, type SidecarPod } from "../../sidecar-pod.ts";
import type { Budget, Namespace } from "../../snapshot.ts";
import { READS_AT_A_TIME } from "../restart/request-limits.ts";
import type { Session } from "../session.ts";
import { createPodComparison, type PodComparison } from "./compared-pods.ts";

/** Decides whether the sidecars of a workload can be replaced in place, from reads of its pods. */
export interface InPlaceLookup {
  /**
   * @returns `undefined` if there is nothing to replace.
   * @throws ApiError if the pods or the nodes could not be read.
   */
  of(assessment: Assessment): Promise<JudgedInPlace | undefined>;
}

export interface JudgedInPlace {
  readonly inPlace: InPlace;
  /** All live pods, without those that are terminating. */
  readonly pods: readonly SidecarPod[];
  readonly nodes: ReadonlyMap<string, ImageNode>;
}

/** The parts of a session that the lookup needs. */
type LookupSession = Pick<Session, "api" | "io" | "prover">;

/**
 * Creates the lookup for one read of the cluster.
 *
 * @param isPulled true if this run has just pulled an image to a node.
 */
export function createInPlaceLookup(
  session: LookupSession,
  namespaces: ReadonlyMap<string, Namespace>,
  mesh: Mesh,
  consent: InPlaceConsent,
  isPulled: (node: string, image: string) => boolean = () => false,
): InPlaceLookup {
  const { api } = session;
  const limit = pLimit(READS_AT_A_TIME);
  const nodes = new Map<string, Promise<ImageNode | undefined>>();
  const budgets = new Map<string, Promise<readonly Budget[] | undefined>>();
  const comparisons = new Map<string, PodComparison>();

  function nodeOf(name: string, images: readonly string[]): Promise<ImageNode | undefined> {
    const read = nodes.get(name) ?? readImageNode(api, name);
    nodes.set(name, read);
    return read.then((node) => node && withPulled(node, images, isPulled));
  }

  function budgetsOf(namespace: string): Promise<readonly Budget[] | undefined> {
    const read =
      budgets.get(namespace) ??
      listBudgets(api, namespace).catch((error: unknown) => {
        if (error instanceof ApiError) return undefined;
        throw error;
      });
    budgets.set(namespace, read);
    return read;
  }

  function comparisonIn(namespace: string): PodComparison {
    const known =
      comparisons.get(namespace) ?? createPodComparison(session, namespaces.get(namespace), mesh);
    comparisons.set(namespace, known);
    return known;
  }

  async function judge(assessment: Assessment): Promise<JudgedInPlace | undefined> {
    const { workload, running, target, restart } = assessment;
    if (target === undefined || !mayBeReplaced(assessment)) return undefined;
    const none: Omit<InPlaceFacts, "pods" | "nodes" | "budgets"> = {
      workload,
      running,
      target,
      restart,
      consent,
    };
    const ruledOut = ruledOutInPlace(none);
    if (ruledOut !== undefined) {
      return { inPlace: { kind: "impossible", finding: ruledOut }, pods: [], nodes: new Map() };
    }
    const read = (await readSidecarPods(api, workload)).filter(({ record }) => !record.terminating);
    const isUnfinished = (pod: SidecarPod) => isBeingReplaced(pod, target.image);
    const isDue = (pod: SidecarPod) =>
      !isUnfinished(pod) && pod.sidecar !== undefined && pod.sidecar.image !== target.image;
    const isWanted = ({ record }: { readonly record: SidecarPod }) =>
      isDue(record) || isUnfinished(record);
    const compare = comparisonIn(workload.namespace);
    const found = await Promise.all(
      read.filter(isWanted).flatMap(({ record: { node, sidecar, replacing } }) => {
        if (node === undefined) return [];
        const images = [target.image, sidecar?.image ?? "", replacing?.image ?? ""];
        return [nodeOf(node, images)];
      }),
    );
    const facts: InPlaceFacts = {
      ...none,
      pods: await Promise.all(
        read.map(async ({ record, object }) => ({
          pod: record,
          drift: isDue(record) ? await compare(workload, object) : undefined,
        })),
      ),
      nodes: new Map(found.flatMap((node) => (node === undefined ? [] : [[node.name, node]]))),
      budgets: consent.downtime ? [] : await budgetsOf(workload.namespace),
    };
    const pods = read.map(({ record }) => record);
    return { inPlace: decideInPlace(facts), pods, nodes: facts.nodes };
  }

  return { of: (assessment) => limit(() => judge(assessment)) };
}

/**
 * True for a workload that is outdated, or in which a replacement may be unfinished: then a pod is not
 * ready, or its kubelet still shows the old container.
 */
function mayBeReplaced(assessment: Assessment): boolean {
  const { verdict, finding, running, workload } = assessment;
  if (isRenderedGateway(workload) || !running.some(hasSidecar)) return false;
  if (verdict === "outdated") return true;
  const isUnfinished = running.some(({ native, ready, pods }) => native && ready < pods);
  return (
    (verdict === "current" && isUnfinished) ||
    (verdict === "unknown" && finding.code === "container-not-replaced")
  );
}

function withPulled(
  node: ImageNode,
  images: readonly string[],
  isPulled: (node: string, image: string) => boolean,
): ImageNode {
  const pulled = images.filter((image) => isPulled(node.name, image)).map((image) => [image]);
  return { ...node, images: [...node.images, ...pulled] };
}

/** Replaces the decision about a restart by the one about a replacement in place. */
export type InPlaceDecision = (assessment: Assessment) => Promise<Assessment>;

/** @throws CannotRun if the nodes may not be read: without their images, nothing can be decided. */
export function createInPlaceDecision(
  session: LookupSession,
  namespaces: ReadonlyMap<string, Namespace>,
  mesh: Mesh,
  consent: InPlaceConsent,
): InPlaceDecision {
  const lookup = createInPlaceLookup(session, namespaces, mesh, consent);
  return async (assessment) => {
    try {
      const judged = await lookup.of(assessment);
      return withInPlace(assessment, judged?.inPlace);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isForbidden(error) && error.message.includes('resource "nodes"'))
        throw mayNotListNodes(error);
      const reason = `not in place: its pods or nodes could not be read: ${error.message}`;
      const finding = { code: "in-place-not-read", reason, nextStep: "" };
      return withInPlace(assessment, { kind: "impossible", finding });
    }
  };
}

/** The codes of warnings about what a restart does: in place, no pod is created and no template changes. */
const OF_RESTART: ReadonlySet<string> = new Set([
  "no-readiness-probe",
  "operator",
  "flux",
  "argo-cd",
]);

/** @param inPlace `undefined` if there is nothing to replace. */
function withInPlace(assessment: Assessment, inPlace: InPlace | undefined): Assessment {
  if (inPlace === undefined) return assessment;
  const { restart } = assessment;
  // A workload that needs nothing keeps its decision.
  if (inPlace.kind === "impossible" && inPlace.finding.code === "in-place-no-pods") {
    return assessment;
  }
  const { warnings } = assessment;
  return {
    ...assessment,
    inPlace,
    warnings: warnings.filter(({ code }) => inPlace.kind !== "possible" || !OF_RESTART.has(code)),
    restart:
      inPlace.kind === "possible"
        ? { answer: "yes" }
        : restart.answer === "no"
          ? restart
          : { answer: "refused", finding: inPlace.finding },
  };
}

function mayNotListNodes(cause: ApiError): CannotRun {
  return new CannotRun(
    "not allowed to list nodes, which --in-place needs, so nothing was restarted",
    sentence`ask for the permission, then check: ${kubectl("auth", "can-i", "list", "nodes")}`,
    { cause, code: "forbidden" },
  );
}
