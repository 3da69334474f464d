import { isDeepStrictEqual } from "node:util";
import type { Answer } from "../support/test-cluster.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import type { Placed } from "./apply.ts";
import { APP, CONTROLLER_LABELS, podTemplate } from "./objects.ts";

/** What should be said of a workload, by what really happens to a pod of its template. */
export interface Truth {
  /** `unlisted`: it is outside the mesh, or there is nothing to show. */
  readonly verdict:
    | "unlisted"
    | "would-lose"
    | "blocked"
    | "outdated"
    | "missing"
    | "pinned"
    | "current"
    | "unknown";
  /** What a new pod gets. */
  readonly target: Sidecar | undefined;
  /** Names and sidecars of the live pods: if they differ a moment later, nothing was proved. */
  readonly pods: readonly { readonly name: string; readonly sidecar: Sidecar | undefined }[];
  /** The words with which a new pod was refused. */
  readonly refusal: string | undefined;
}

export interface Sidecar {
  readonly image: string;
  readonly revision: string | undefined;
}

/** Asks the API server; nothing of the code under test has a part in it. */
export async function findTruth(cluster: RealCluster, placed: Placed): Promise<Truth> {
  const { workload } = placed.case;
  const pods = await livePods(cluster, placed);
  const running = pods.flatMap(({ sidecar }) => sidecar ?? []);
  const answer = await dryRun(cluster, placed, podTemplate(placed.name, workload));
  const refusal = answer.status === 201 ? undefined : steadyWords(String(answer.body.message));
  const target = refusal === undefined ? sidecarOf(answer.body) : undefined;
  const seen = { target, pods, refusal };

  // A Job shows in its pods alone.
  const listed =
    pods.length > 0 || !["Pod", "Job", "CronJob", "ReplicaSet"].includes(workload.kind);
  if (!listed) return { ...seen, verdict: "unlisted" };
  const injected =
    target !== undefined || isInjected(refusal) || (await isNamed(cluster, placed, refusal));
  if (!injected) return { ...seen, verdict: running.length > 0 ? "would-lose" : "unlisted" };
  if (target === undefined) return { ...seen, verdict: "blocked" };
  if (pods.length === 0) return { ...seen, verdict: "unknown" };
  if (running.some((sidecar) => !isDeepStrictEqual(sidecar, target))) {
    return { ...seen, verdict: "outdated" };
  }
  if (running.length < pods.length) return { ...seen, verdict: "missing" };
  const plain = await dryRun(cluster, placed, withoutPin(podTemplate(placed.name, workload)));
  const unpinned = plain.status === 201 && sidecarOf(plain.body)?.image;
  return { ...seen, verdict: unpinned === target.image ? "current" : "pinned" };
}

/** Without what differs each time: the generated name, and the order in which templates are named. */
function steadyWords(message: string): string {
  return message.replace(/"dry-\w+"/, '"dry"').replace(/; have .*/, "");
}

/**
 * Refused by the injector itself, or by somebody who saw what it had added: istio-init, since a
 * container istio-proxy may be the template's own, or the sidecar twice.
 */
function isInjected(refusal: string | undefined): boolean {
  return (
    refusal !== undefined &&
    /sidecar-injector\.istio\.io|"istio-init"|Duplicate value: "istio-proxy"/.test(refusal)
  );
}

/**
 * Other templates than the sidecar's bring no istio-init: was it refused for a container that the
 * pod's own template does not have?
 */
async function isNamed(
  cluster: RealCluster,
  placed: Placed,
  refusal: string | undefined,
): Promise<boolean> {
  if (refusal?.includes('"istio-proxy"') !== true) return false;
  const { metadata, spec } = podTemplate(placed.name, placed.case.workload);
  const containers = spec.containers.filter(({ name }) => name !== "istio-proxy");
  const plain = await dryRun(cluster, placed, { metadata, spec: { ...spec, containers } });
  return String(plain.body.message ?? "").includes('"istio-proxy"');
}

async function livePods(cluster: RealCluster, { namespace, name }: Placed): Promise<Truth["pods"]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${APP}%3D${name}`;
  const { body } = await cluster.request("GET", path);
  return body.items
    .filter(({ metadata, status }: Answer["body"]) => {
      const finished = ["Succeeded", "Failed"].includes(status.phase);
      return !finished && metadata.deletionTimestamp === undefined;
    })
    .map((pod: Answer["body"]) => ({ name: pod.metadata.name, sidecar: sidecarOf(pod) }));
}

/**
 * The sidecar that injection made. A container of that name alone may be the template's own, which
 * comes and goes with no webhook.
 */
function sidecarOf({ metadata, spec }: Answer["body"]): Sidecar | undefined {
  const annotations = metadata.annotations ?? {};
  if (annotations["sidecar.istio.io/status"] === undefined) return undefined;
  const proxy = [...spec.containers, ...(spec.initContainers ?? [])].find(
    ({ name }) => name === "istio-proxy",
  );
  return proxy && { image: proxy.image, revision: annotations["istio.io/rev"] };
}

type Template = ReturnType<typeof podTemplate>;

function dryRun(cluster: RealCluster, placed: Placed, template: Template): Promise<Answer> {
  const { namespace, case: world } = placed;
  const { spec } = template;
  const labels = { ...CONTROLLER_LABELS[world.workload.kind], ...template.metadata.labels };
  const metadata = { ...template.metadata, labels, generateName: "dry-" };
  return cluster.request("POST", `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    body: { apiVersion: "v1", kind: "Pod", metadata, spec },
  });
}

/** The template that leaves the image to the revision. */
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
