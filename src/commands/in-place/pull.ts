import { createHash } from "node:crypto";
import type { V1Pod } from "@kubernetes/client-node";
import { findTrouble } from "../../cluster/pod-trouble.ts";
import { PODS, readByName } from "../../cluster/read-by-name.ts";
import { createPullPod, deletePullPod } from "../../cluster/write.ts";
import { formatDuration } from "../../duration-text.ts";
import { ApiError, isConflict } from "../../http/api-error.ts";
import { INJECT } from "../../istio-labels.ts";
import type { ImagePull } from "../../mesh/in-place.ts";
import type { ImageNode } from "../../sidecar-pod.ts";
import type { WorkloadRef } from "../../snapshot.ts";
import { pollInterval } from "../restart/request-limits.ts";
import type { RestartSession } from "../restart/restart-session.ts";

/** The images that this run has pulled to nodes. */
export interface PulledImages {
  /** True if a node certainly has an image, because it was pulled a moment ago. */
  has(node: string, image: string): boolean;
  add(node: string, image: string): void;
}

/**
 * The milliseconds for which a kubelet keeps an image that nothing uses: the default of its setting
 * `imageMinimumGCAge`, less some for the way.
 */
const KEPT_FOR = 90_000;

export function createPulledImages(now: () => number): PulledImages {
  const times = new Map<string, number>();
  const keyOf = (node: string, image: string) => `${node} ${image}`;
  return {
    has: (node, image) => now() - (times.get(keyOf(node, image)) ?? -Infinity) < KEPT_FOR,
    add: (node, image) => void times.set(keyOf(node, image), now()),
  };
}

/** The longest time that a pull may take, in milliseconds. */
const LONGEST_PULL = 300_000;

/**
 * Pulls images to nodes, with one pod for each node, which is deleted in any case.
 *
 * @returns the reason why a node could not pull; `undefined` if all could.
 */
export async function pullImages(
  session: RestartSession,
  ref: WorkloadRef,
  pulls: readonly ImagePull[],
  pulled: PulledImages,
  abort: AbortSignal,
): Promise<string | undefined> {
  const byNode = new Map<string, { readonly node: ImageNode; readonly images: Set<string> }>();
  for (const { node, image } of pulls) {
    const entry = byNode.get(node.name) ?? { node, images: new Set() };
    byNode.set(node.name, entry);
    entry.images.add(image);
  }
  const ends = await Promise.all(
    [...byNode.values()].map(({ node, images }) =>
      pullToNode(session, ref, node, [...images], abort),
    ),
  );
  for (const [index, { node, images }] of [...byNode.values()].entries()) {
    if (ends[index] === undefined) for (const image of images) pulled.add(node.name, image);
  }
  return ends.find((end) => end !== undefined);
}

/** Returns the reason why a node could not pull; `undefined` if it could. */
async function pullToNode(
  session: RestartSession,
  ref: WorkloadRef,
  node: ImageNode,
  images: readonly string[],
  abort: AbortSignal,
): Promise<string | undefined> {
  const { api, io, settings } = session;
  const { namespace } = api.connection;
  const pod = pullPod(ref, node, images);
  const name = pod.metadata?.name ?? "";
  let uid: string | undefined;
  try {
    uid = (await createFresh(session, namespace, pod)).metadata?.uid;
    const until = io.now().getTime() + Math.min(LONGEST_PULL, settings.timeout);
    for (;;) {
      const found = await readByName<V1Pod>(api, PODS, namespace, name);
      if (found === undefined) return `the pod ${name}, which pulls images, was deleted`;
      if (hasAllImages(found, images)) return undefined;
      const trouble = findTrouble(found);
      if (trouble?.outlook === "final" || found.status?.phase === "Failed") {
        const why = trouble === undefined ? "" : `: ${trouble.reason}: ${trouble.message}`;
        return `${node.name} cannot pull ${images.join(" and ")}${why}`;
      }
      if (io.now().getTime() >= until) {
        const time = formatDuration(Math.min(LONGEST_PULL, settings.timeout));
        return `${node.name} did not pull ${images.join(" and ")} within ${time}`;
      }
      if (abort.aborted) return "the run was interrupted while images were pulled";
      await io.sleep(pollInterval(settings), abort);
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return `${node.name} could not pull ${images.join(" and ")}: ${error.message}`;
  } finally {
    if (uid !== undefined) await removePod(session, namespace, name, uid);
  }
}

/** Creates a pod. One with its name is left from a run that was killed. */
async function createFresh(session: RestartSession, namespace: string, pod: V1Pod): Promise<V1Pod> {
  const { api } = session;
  try {
    return await createPullPod(api, namespace, pod);
  } catch (error) {
    if (!isConflict(error)) throw error;
    const name = pod.metadata?.name ?? "";
    const old = await readByName<V1Pod>(api, PODS, namespace, name);
    // The same pod, if the answer to its creation was lost.
    if (old !== undefined && old.status?.phase !== "Failed" && isOwn(old)) return old;
    if (old?.metadata?.uid !== undefined && isOwn(old)) {
      await deletePullPod(api, namespace, name, old.metadata.uid);
    }
    return createPullPod(api, namespace, pod);
  }
}

async function removePod(
  { api, notes }: RestartSession,
  namespace: string,
  name: string,
  uid: string,
): Promise<void> {
  try {
    await deletePullPod(api, namespace, name, uid);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return;
    notes.add(
      `the pod ${name} in ${namespace} pulled images and could not be deleted: ${error.message}`,
    );
  }
}

/** True if the kubelet has started every container, or tried to: it then has their images. */
function hasAllImages({ status }: V1Pod, images: readonly string[]): boolean {
  const known = (status?.containerStatuses ?? []).filter(
    ({ imageID, state }) => imageID !== "" && (state?.running ?? state?.terminated) !== undefined,
  );
  return known.length === images.length;
}

const MANAGED_BY = "app.kubernetes.io/managed-by";

function isOwn({ metadata }: V1Pod): boolean {
  return metadata?.labels?.[MANAGED_BY] === "istio-upgrade";
}

/**
 * Returns a pod that pulls images to a node and ends at once: the agent of Istio prints its version. It
 * has no rights, and no access to the network of the mesh.
 */
function pullPod({ uid }: WorkloadRef, node: ImageNode, images: readonly string[]): V1Pod {
  const id = createHash("sha256").update(JSON.stringify([uid, node.name, images]));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `istio-upgrade-pull-${id.digest("hex").slice(0, 16)}`,
      labels: { [MANAGED_BY]: "istio-upgrade", [INJECT]: "false" },
      annotations: { [INJECT]: "false" },
    },
    spec: {
      nodeName: node.name,
      restartPolicy: "Never",
      activeDeadlineSeconds: LONGEST_PULL / 1000,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: node.taints.map(({ key, value, effect }) => ({
        key,
        effect,
        ...(value === undefined ? { operator: "Exists" } : { operator: "Equal", value }),
      })),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1337,
        runAsGroup: 1337,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: images.map((image, index) => ({
        name: `image-${index}`,
        image,
        imagePullPolicy: "IfNotPresent",
        args: ["version", "--short"],
        resources: {
          requests: { cpu: "1m", memory: "16Mi" },
          limits: { cpu: "100m", memory: "128Mi" },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
      })),
    },
  };
}
