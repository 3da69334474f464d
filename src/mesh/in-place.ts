import { restartCommand } from "../kubernetes/kinds.ts";
import { type Command, type NextStep, sentence } from "../next-step.ts";
import {
  type ImageNode,
  isBeingReplaced,
  type NativeSidecar,
  type SidecarPod,
} from "../sidecar-pod.ts";
import type { Budget, Workload, WorkloadRef } from "../snapshot.ts";
import { count, listing } from "../wording.ts";
import { evictionBlock } from "./disruption.ts";
import type { Drift } from "./drift.ts";
import type { Finding } from "./findings.ts";
import { listsImage } from "./node-images.ts";
import { replacesSidecars } from "./kubelet.ts";
import { moveFlags } from "./revision-move.ts";
import { isReplacing } from "./ongoing-rollout.ts";
import type { Restartability } from "./restartability.ts";
import { isOutdated, type RunningPods, type Target } from "./running-pods.ts";

/** The decision on whether the sidecars of a workload can be replaced without a restart. */
export type InPlace =
  | {
      readonly kind: "possible";
      /** The pods whose sidecars are to be replaced, or are being replaced. */
      readonly pods: readonly SidecarPod[];
      /** The images to pull first; empty unless the user asked for that. */
      readonly pulls: readonly ImagePull[];
    }
  | { readonly kind: "impossible"; readonly finding: Finding };

/** An image that a node is not known to have. */
export interface ImagePull {
  readonly node: ImageNode;
  readonly image: string;
}

/** A pod, and its differences from what injection gives now. */
export interface ComparedPod {
  readonly pod: SidecarPod;
  /** `undefined` if they are unknown. */
  readonly drift: readonly Drift[] | undefined;
}

/** Everything that decides about one workload. */
export interface InPlaceFacts {
  readonly workload: Workload;
  readonly running: readonly RunningPods[];
  readonly target: Target;
  /** The decision about an ordinary restart, whose next step remains. */
  readonly restart: Restartability;
  /** The live pods, without those that are terminating. */
  readonly pods: readonly ComparedPod[];
  /** The nodes of the pods. A node that is absent is gone. */
  readonly nodes: ReadonlyMap<string, ImageNode>;
  /** The budgets of the namespace; `undefined` if they could not be read. */
  readonly budgets: readonly Budget[] | undefined;
  readonly consent: InPlaceConsent;
}

export interface InPlaceConsent {
  /** True if no pod may serve for some seconds (`--allow-downtime`). */
  readonly downtime: boolean;
  /** True if missing images may be pulled (`--pull`). */
  readonly pull: boolean;
}

/** The longest time in which a sidecar may drain, and in which its pod may take to end: 30 seconds. */
const LONGEST_DRAIN = 30_000;

/**
 * The milliseconds that a new sidecar takes to be ready, at most, after the old one has ended. The real
 * proxy takes two to four; a busy node takes longer.
 */
const START = 10_000;

/** Returns the milliseconds for which a pod may be without a ready proxy, if all goes well. */
function longestGap({ drain = LONGEST_DRAIN }: NativeSidecar): number {
  return drain + START;
}

/**
 * Decides by what is known without its pods: an ordinary container cannot be replaced, and the
 * configuration of another revision is another one.
 *
 * @returns `undefined` if only the pods can tell.
 */
export function ruledOutInPlace(
  facts: Pick<InPlaceFacts, "workload" | "running" | "target" | "restart">,
): Finding | undefined {
  const { workload, running, target } = facts;
  const outdated = running.filter(isOutdated);
  if (outdated.some(({ native }) => !native)) {
    return refusal(
      facts,
      "in-place-ordinary-container",
      "its sidecar is an ordinary container, which no kubelet replaces on its own",
    );
  }
  const moved = outdated.find(({ revision }) => (revision ?? target.revision) !== target.revision);
  if (moved !== undefined) {
    return refusal(
      facts,
      "in-place-other-revision",
      `its pods move from ${moved.revision} to ${target.revision}, which changes more than an image`,
    );
  }
  if (workload.rollout !== undefined && isReplacing(workload.rollout)) {
    return refusal(
      facts,
      "in-place-rolling",
      "it is rolling out: its new pods get the present sidecar anyway",
    );
  }
  return undefined;
}

/** Decides whether the sidecars of a workload can be replaced: one reason is enough against it. */
export function decideInPlace(facts: InPlaceFacts): InPlace {
  const ruledOut = ruledOutInPlace(facts);
  if (ruledOut !== undefined) return { kind: "impossible", finding: ruledOut };
  const { target, pods, workload } = facts;
  const unfinished = pods.filter(({ pod }) => isBeingReplaced(pod, target.image));
  const due = pods.filter(
    ({ pod }) => !isBeingReplaced(pod, target.image) && pod.sidecar?.image !== target.image,
  );
  const against =
    due
      .map((compared) => againstPod(facts, compared, unfinished.length > 0))
      .find((one) => one !== undefined) ??
    (due.length > 0 ? (unready(facts) ?? needsDowntime(facts)) : undefined);
  if (against !== undefined) return { kind: "impossible", finding: against };
  if (due.length + unfinished.length === 0) {
    return {
      kind: "impossible",
      finding: refusal(
        facts,
        "in-place-no-pods",
        `no live pod of ${workload.name} has another sidecar`,
      ),
    };
  }
  return {
    kind: "possible",
    pods: [...unfinished, ...due].map(({ pod }) => pod),
    pulls: due.flatMap(({ pod }) => missingImages(facts, pod)),
  };
}

/** @param isContinued true if another pod of the workload is being replaced, which may be unready. */
function againstPod(
  facts: InPlaceFacts,
  { pod, drift }: ComparedPod,
  isContinued: boolean,
): Finding | undefined {
  const { target, nodes } = facts;
  const { sidecar, name } = pod;
  const against = (code: string, reason: string) => refusal(facts, code, reason);
  if (sidecar === undefined) {
    return against("in-place-no-native-sidecar", `the pod ${name} has no native sidecar`);
  }
  if (!pod.ready && !isContinued) {
    return against("in-place-not-ready", `the pod ${name} is not ready`);
  }
  if (sidecar.status === undefined || sidecar.status.containerId === "") {
    return against("in-place-not-reported", `its kubelet does not report the sidecar of ${name}`);
  }
  const other = againstDrift(facts, pod, drift);
  if (other !== undefined) return other;
  if (sidecar.pullPolicy === "Always") {
    return against(
      "in-place-always-pulls",
      `the sidecar of ${name} has the pull policy Always: nothing shows that the pull would succeed`,
    );
  }
  const node = pod.node === undefined ? undefined : nodes.get(pod.node);
  if (node === undefined) {
    return against("in-place-node-unknown", `the node of the pod ${name} could not be read`);
  }
  if (!replacesSidecars(node.version)) {
    return against(
      "in-place-old-kubelet",
      `the kubelet of ${node.name} is ${node.version || "of an unknown version"}: only 1.32 and newer ones replace a changed sidecar`,
    );
  }
  return (
    againstImages(facts, pod, node, target) ??
    againstDrain(facts, pod, sidecar) ??
    againstProbes(facts, pod, sidecar)
  );
}

const MOST_PATHS = 3;

/** The changes must be the images of Istio's own containers, and lead to the target. */
function againstDrift(
  facts: InPlaceFacts,
  { name }: SidecarPod,
  drift: readonly Drift[] | undefined,
): Finding | undefined {
  if (drift === undefined) {
    return refusal(
      facts,
      "in-place-drift-unknown",
      `the pod ${name} could not be compared with a new one`,
    );
  }
  const others = drift.filter(({ what }) => what !== "proxy-image");
  if (others.length > 0) {
    const paths = others.map(({ path }) => path);
    const what = listing(paths.slice(0, MOST_PATHS), paths.length);
    return refusal(
      facts,
      "in-place-more-than-image",
      `a new pod would differ in more than the image of the sidecar: ${what}`,
    );
  }
  const proxy = drift.find(({ path }) => path.endsWith("[istio-proxy].image"));
  return proxy?.to === facts.target.image
    ? undefined
    : refusal(
        facts,
        "in-place-other-image",
        `a dry run gives the pod ${name} another image than ${facts.target.image}`,
      );
}

function againstImages(
  facts: InPlaceFacts,
  pod: SidecarPod,
  node: ImageNode,
  target: Target,
): Finding | undefined {
  const [missing] = missingImages(facts, pod);
  if (missing === undefined) return undefined;
  const what =
    missing.image === target.image ? "the new image" : "the present image, to go back to";
  const unlisted = `${node.name} does not list ${missing.image}, ${what}`;
  if (!facts.consent.pull) {
    return refusal(
      facts,
      "in-place-image-unknown",
      `${unlisted}: it lists at most 50 images`,
      inPlaceCommand(facts.workload, { ...facts.consent, pull: true }),
    );
  }
  return pod.usesPullSecret
    ? refusal(
        facts,
        "in-place-pull-secret",
        `${unlisted}, and the pod ${pod.name} pulls with a Secret of its namespace`,
      )
    : undefined;
}

function missingImages({ nodes, target }: InPlaceFacts, pod: SidecarPod): readonly ImagePull[] {
  const node = nodes.get(pod.node ?? "");
  if (node === undefined || pod.sidecar === undefined) return [];
  return [target.image, pod.sidecar.image]
    .filter((image) => !listsImage(node, image))
    .map((image) => ({ node, image }));
}

function againstDrain(
  facts: InPlaceFacts,
  { name, gracePeriod }: SidecarPod,
  { drain }: NativeSidecar,
): Finding | undefined {
  if (drain === undefined || drain >= LONGEST_DRAIN) {
    const how = drain === undefined ? "until its last connection ends" : `for ${drain / 1000} s`;
    return refusal(
      facts,
      "in-place-long-drain",
      `the sidecar of ${name} drains ${how}: 30 s would be too long without a proxy`,
    );
  }
  return gracePeriod * 1000 > LONGEST_DRAIN
    ? refusal(
        facts,
        "in-place-long-grace",
        `the containers of ${name} have ${gracePeriod} s to end: more than 30 s would be too long without a proxy`,
      )
    : undefined;
}

/**
 * A kubelet restarts a container after so many failed probes in a row. The first one may fail at the
 * start of the gap, so that there is one period less than probes.
 */
function againstProbes(
  facts: InPlaceFacts,
  { livenessProbes }: SidecarPod,
  sidecar: NativeSidecar,
): Finding | undefined {
  const gap = longestGap(sidecar);
  const impatient = livenessProbes.find(
    ({ failureThreshold, periodSeconds }) => (failureThreshold - 1) * periodSeconds * 1000 < gap,
  );
  if (impatient === undefined) return undefined;
  const { container, failureThreshold, periodSeconds } = impatient;
  return refusal(
    facts,
    "in-place-liveness",
    `the liveness probe of the container ${container} fails ${count(failureThreshold, "time")} within ${(failureThreshold - 1) * periodSeconds} s, and the sidecar may be away for ${gap / 1000} s: the kubelet would restart the container`,
  );
}

/** All pods must be ready: no more than one may be without its proxy. */
function unready(facts: InPlaceFacts): Finding | undefined {
  const found = facts.pods.find(
    ({ pod }) => !pod.ready && !isBeingReplaced(pod, facts.target.image),
  );
  return found && refusal(facts, "in-place-not-ready", `the pod ${found.pod.name} is not ready`);
}

/** Without another pod, or against a budget, nobody may serve for some seconds. */
function needsDowntime(facts: InPlaceFacts): Finding | undefined {
  const { pods, budgets, consent, workload } = facts;
  if (consent.downtime) return undefined;
  const step = inPlaceCommand(workload, { ...consent, downtime: true });
  if (pods.length < 2) {
    return refusal(
      facts,
      "in-place-single-pod",
      "it has a single pod, which is without its proxy for some seconds",
      step,
    );
  }
  if (budgets === undefined) {
    return refusal(
      facts,
      "in-place-budgets-unread",
      "its PodDisruptionBudgets could not be read",
      step,
    );
  }
  const [first] = pods;
  const block = first && evictionBlock(first.pod.labels, budgets);
  return block && refusal(facts, "in-place-budget", block.message, step);
}

/** Returns the command that replaces the sidecars of a workload, with every consent that it needs. */
export function inPlaceCommand(
  ref: Pick<WorkloadRef, "kind" | "name" | "namespace">,
  { downtime, pull }: InPlaceConsent,
): Command {
  return restartCommand(
    ref,
    "--in-place",
    ...(pull ? ["--pull"] : []),
    ...(downtime ? ["--allow-downtime"] : []),
  );
}

/** Returns a finding against it. Without another next step, that of an ordinary restart remains. */
function refusal(
  {
    workload,
    restart,
    running,
    target,
  }: Pick<InPlaceFacts, "workload" | "restart" | "running" | "target">,
  code: string,
  reason: string,
  nextStep?: NextStep,
): Finding {
  const ordinary =
    restart.answer === "yes"
      ? sentence`or with a restart: ${restartCommand(workload, ...moveFlags(running, target))}`
      : restart.finding.nextStep;
  return { code, reason: `not in place: ${reason}`, nextStep: nextStep ?? ordinary };
}
