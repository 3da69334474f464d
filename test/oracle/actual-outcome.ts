import type { Answer } from "../support/test-cluster.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import type { AppliedWorkload } from "./applied-workload.ts";
import { rewritten } from "./image-policies.ts";
import { APP, BY_HAND, CONTROLLER_LABELS, podTemplate } from "./objects.ts";
import { isIdle, isInjectedByHand, isLabelledByAks, isStripped, type Kind } from "./world.ts";

/** The verdict that a workload deserves, by what really happens to a pod of its template. */
export interface ActualOutcome {
  /** `unlisted`: the workload is outside the mesh, or has no pods and asks for none. */
  readonly verdict:
    | "unlisted"
    | "would-lose"
    | "blocked"
    | "outdated"
    | "missing"
    | "pinned"
    | "current"
    | "managed"
    /** A sidecar that was injected by hand stays; what its revision gives instead is not observable. */
    | "pinned-or-current"
    | "unknown";
  /** The sidecar of a new pod. */
  readonly target: Sidecar | undefined;
  /** The live pods. If they change during a comparison, the comparison proves nothing. */
  readonly pods: readonly { readonly name: string; readonly sidecar: Sidecar | undefined }[];
  /** The API server's message if it rejected a new pod. */
  readonly rejection: string | undefined;
}

export interface Sidecar {
  readonly image: string;
  readonly revision: string | undefined;
}

/** Observes the outcome at the API server, without any code under test. */
export async function observeOutcome(
  cluster: RealCluster,
  applied: AppliedWorkload,
): Promise<ActualOutcome> {
  const { workload, now } = applied.case;
  const pods = await livePods(cluster, applied);
  const running = pods.flatMap(({ sidecar }) => sidecar ?? []);
  const answer = await dryRun(cluster, applied, podTemplate(applied.name, workload));
  const rejection = answer.status === 201 ? undefined : stableMessage(String(answer.body.message));
  const target = rejection === undefined ? sidecarOf(answer.body) : undefined;
  const seen = { target, pods, rejection };

  const listed = pods.length > 0 || LISTED.has(workload.kind);
  if (!listed) return { ...seen, verdict: "unlisted" };
  const byHand = isInjectedByHand(workload);
  // AKS owns gateways only, whose template has the proxy.
  if (isLabelledByAks(workload) && (byHand || workload.proxy !== undefined)) {
    return { ...seen, target: undefined, verdict: "managed" };
  }
  const injected =
    byHand ||
    target !== undefined ||
    showsInjection(rejection) ||
    (await isRejectedForProxy(cluster, applied, rejection));
  if (!injected) {
    if (running.length > 0) return { ...seen, verdict: "would-lose" };
    // A container with the image auto cannot run.
    return { ...seen, verdict: workload.proxy === "auto" ? "blocked" : "unlisted" };
  }
  if (target === undefined) return { ...seen, verdict: "blocked" };
  // The webhook of another revision may keep the image of a sidecar that was injected by hand.
  const handImage = rewritten(BY_HAND.image, applied.case.namespaceLabels.rewrite);
  const keepsImage = byHand && target.image === handImage;
  const keepsRevision = keepsImage && target.revision === BY_HAND.revision;
  // The sidecars of new pods would find no control plane.
  if (keepsRevision && !(BY_HAND.revision in now.revisions)) {
    return { ...seen, target: undefined, verdict: "blocked" };
  }
  if (pods.length === 0) return { ...seen, verdict: isIdle(workload) ? "unlisted" : "unknown" };
  // Without its annotations, a pod does not say which revision injected it.
  const isOutdated = ({ image, revision }: Sidecar) =>
    image !== target.image || (revision !== undefined && revision !== target.revision);
  if (running.some(isOutdated)) {
    return { ...seen, verdict: "outdated" };
  }
  if (running.length < pods.length) return { ...seen, verdict: "missing" };
  if (keepsRevision) return { ...seen, verdict: "pinned-or-current" };
  // A webhook replaced the sidecar that was injected by hand.
  if (byHand && !keepsImage) return { ...seen, verdict: "current" };
  const { byHand: _, ...uninjected } = workload;
  const plain = await dryRun(cluster, applied, withoutPin(podTemplate(applied.name, uninjected)));
  const unpinned = plain.status === 201 && sidecarOf(plain.body)?.image;
  return { ...seen, verdict: unpinned === target.image ? "current" : "pinned" };
}

/** The kinds that are listed without pods. The others are only visible by their pods. */
const LISTED: ReadonlySet<Kind> = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

/** Removes the parts of a message that differ each time: the generated name, and the list of templates. */
function stableMessage(message: string): string {
  return message.replace(/"dry-\w+"/, '"dry"').replace(/; have .*/, "");
}

/**
 * True if the message shows that injection took place: the injector itself rejected the pod, or the
 * message names `istio-init` or a duplicate `istio-proxy`. The name `istio-proxy` alone proves
 * nothing, because the template may have a container of that name.
 */
function showsInjection(rejection: string | undefined): boolean {
  return (
    rejection !== undefined &&
    /sidecar-injector\.istio\.io|"istio-init"|Duplicate value: "istio-proxy"/.test(rejection)
  );
}

/**
 * True if the API server rejected the pod because of an injected container `istio-proxy`: without a
 * container of that name in the template, the message still names it. Needed for injection
 * templates that do not add `istio-init`.
 */
async function isRejectedForProxy(
  cluster: RealCluster,
  applied: AppliedWorkload,
  rejection: string | undefined,
): Promise<boolean> {
  if (rejection?.includes('"istio-proxy"') !== true) return false;
  const { metadata, spec } = podTemplate(applied.name, applied.case.workload);
  const containers = spec.containers.filter(({ name }) => name !== "istio-proxy");
  const plain = await dryRun(cluster, applied, { metadata, spec: { ...spec, containers } });
  return String(plain.body.message ?? "").includes('"istio-proxy"');
}

async function livePods(
  cluster: RealCluster,
  { namespace, name, case: { workload } }: AppliedWorkload,
): Promise<ActualOutcome["pods"]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${APP}%3D${name}`;
  const { body } = await cluster.request("GET", path);
  return body.items
    .filter(({ metadata, status }: Answer["body"]) => {
      const finished = ["Succeeded", "Failed"].includes(status.phase);
      return !finished && metadata.deletionTimestamp === undefined;
    })
    .map((pod: Answer["body"]) => ({
      name: pod.metadata.name,
      sidecar: sidecarOf(pod, isStripped(workload)),
    }));
}

/**
 * Finds the injected sidecar. A container `istio-proxy` of the template alone does not count.
 *
 * @param mayLackMarks true if the pod may have lost the annotations of injection.
 */
function sidecarOf({ metadata, spec }: Answer["body"], mayLackMarks = false): Sidecar | undefined {
  const annotations = metadata.annotations ?? {};
  if (!mayLackMarks && annotations["sidecar.istio.io/status"] === undefined) return undefined;
  const proxy = [...spec.containers, ...(spec.initContainers ?? [])].find(
    ({ name }) => name === "istio-proxy",
  );
  return proxy && { image: proxy.image, revision: annotations["istio.io/rev"] };
}

type Template = ReturnType<typeof podTemplate>;

function dryRun(
  cluster: RealCluster,
  applied: AppliedWorkload,
  template: Template,
): Promise<Answer> {
  const { namespace, case: world } = applied;
  const { spec } = template;
  const labels = { ...CONTROLLER_LABELS[world.workload.kind], ...template.metadata.labels };
  const metadata = { ...template.metadata, labels, generateName: "dry-" };
  return cluster.request("POST", `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    body: { apiVersion: "v1", kind: "Pod", metadata, spec },
  });
}

/** Removes from a template what pins the image. */
function withoutPin({ metadata, spec }: Template): Template {
  const { "sidecar.istio.io/proxyImage": _, ...annotations } = metadata.annotations as Record<
    string,
    string
  >;
  const containers = spec.containers.map((container) =>
    container.name === "istio-proxy" ? { ...container, image: "auto" } : container,
  );
  return { metadata: { ...metadata, annotations }, spec: { ...spec, containers } };
}
