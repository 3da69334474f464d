import { describe, expect, test } from "vitest";
import type { Drift } from "../../../src/mesh/drift.ts";
import { type ComparedPod, decideInPlace, type InPlaceFacts } from "../../../src/mesh/in-place.ts";
import { compareWithTarget } from "../../../src/mesh/running-pods.ts";
import type { ImageNode, SidecarPod } from "../../../src/sidecar-pod.ts";
import type { Budget, PodGroup } from "../../../src/snapshot.ts";
import { sidecars } from "../../support/build/pod-group.ts";
import {
  imageNode,
  nativeSidecar,
  NEW_IMAGE,
  OLD_IMAGE,
  sidecarPod,
} from "../../support/build/sidecar-pod.ts";
import { deployment, otherWorkload } from "../../support/build/workload.ts";

const TARGET = { revision: "asm-1-29", image: NEW_IMAGE };

const IMAGES: readonly Drift[] = ["istio-init", "istio-proxy"].map((name) => ({
  path: `spec.initContainers[${name}].image`,
  what: "proxy-image",
  from: OLD_IMAGE,
  to: NEW_IMAGE,
}));

interface Change {
  readonly groups?: readonly PodGroup[];
  readonly rollout?: Parameters<typeof deployment>[1];
  readonly pod?: Parameters<typeof sidecarPod>[1];
  /** The other pod, which is like the first one by default. */
  readonly other?: Parameters<typeof sidecarPod>[1] | "none";
  readonly drift?: readonly Drift[] | undefined;
  readonly node?: Partial<ImageNode> | "gone";
  readonly budgets?: readonly Budget[] | undefined;
  readonly consent?: Partial<InPlaceFacts["consent"]>;
  readonly bare?: true;
}

/** Two ready pods that differ in the images of Istio's containers alone, with one change. */
function facts(change: Change): InPlaceFacts {
  const native = { native: true, revision: "asm-1-29" };
  const groups = change.groups ?? [sidecars(2, OLD_IMAGE, { ...native, ready: 2 })];
  const workload =
    change.bare === undefined
      ? deployment("web", { ...change.rollout, pods: groups })
      : otherWorkload("Pod", "web", { pods: [sidecars(1, OLD_IMAGE, { ...native, ready: 1 })] });
  const drift = "drift" in change ? change.drift : IMAGES;
  const compared = (pod: SidecarPod): ComparedPod => ({ pod, drift });
  const pods = [compared(sidecarPod("web-1", change.pod))];
  if (change.other !== "none" && change.bare === undefined) {
    pods.push(compared(sidecarPod("web-2", change.other ?? {})));
  }
  const node = change.node === "gone" ? undefined : imageNode(change.node);
  return {
    workload,
    running: workload.pods.map((group) => compareWithTarget(group, TARGET)),
    target: TARGET,
    restart: { answer: "yes" },
    pods,
    nodes: new Map(node === undefined ? [] : [[node.name, node]]),
    budgets: "budgets" in change ? change.budgets : [],
    consent: { downtime: false, pull: false, ...change.consent },
  };
}

/** The code against a workload; empty if its sidecars can be replaced. */
function codeOf(change: Change): string {
  const decided = decideInPlace(facts(change));
  return decided.kind === "possible" ? "" : decided.finding.code;
}

const probe = (failureThreshold: number, periodSeconds: number): Change => ({
  pod: { livenessProbes: [{ container: "app", failureThreshold, periodSeconds }] },
});

const budget = (allowed: number, app = "web"): Change => ({
  budgets: [{ name: "limit", selector: { matchLabels: { app } }, allowed }],
});

const ordinary = { native: false, revision: "asm-1-29", ready: 2 };

const resources: Drift = {
  path: "spec.containers[app].resources.requests.cpu",
  what: "application",
  from: null,
  to: null,
};

/** Each row has a change, and the code against it. A row without a code is a neighbour that qualifies. */
const ROWS: readonly (readonly [name: string, change: Change, code: string])[] = [
  ["nothing but the images differs", {}, ""],
  [
    "an ordinary container",
    { groups: [sidecars(2, OLD_IMAGE, ordinary)] },
    "in-place-ordinary-container",
  ],
  [
    "another revision",
    { groups: [sidecars(2, OLD_IMAGE, { native: true, revision: "asm-1-28", ready: 2 })] },
    "in-place-other-revision",
  ],
  [
    "pods that do not name their revision",
    { groups: [sidecars(2, OLD_IMAGE, { native: true, revision: undefined, ready: 2 })] },
    "",
  ],
  [
    "a rollout in progress",
    { rollout: { rollout: { status: { replicas: 2, updated: 1, available: 2 } } } },
    "in-place-rolling",
  ],
  ["a pod without a native sidecar", { pod: { sidecar: undefined } }, "in-place-no-native-sidecar"],
  ["a pod that is not ready", { pod: { ready: false } }, "in-place-not-ready"],
  ["another pod that is not ready", { other: { ready: false } }, "in-place-not-ready"],
  [
    "a container that the kubelet does not report",
    { pod: { proxy: { status: undefined } } },
    "in-place-not-reported",
  ],
  ["an unknown drift", { drift: undefined }, "in-place-drift-unknown"],
  ["changed resources", { drift: [...IMAGES, resources] }, "in-place-more-than-image"],
  [
    "a dry run with another image",
    { drift: IMAGES.map((one) => ({ ...one, to: "proxyv2:other" })) },
    "in-place-other-image",
  ],
  ["a dry run without a change", { drift: [] }, "in-place-other-image"],
  ["the pull policy Always", { pod: { proxy: { pullPolicy: "Always" } } }, "in-place-always-pulls"],
  ["the pull policy Never", { pod: { proxy: { pullPolicy: "Never" } } }, ""],
  ["a node that is gone", { node: "gone" }, "in-place-node-unknown"],
  ["a kubelet of 1.31", { node: { version: "v1.31.14" } }, "in-place-old-kubelet"],
  ["a kubelet of 1.32", { node: { version: "v1.32.0" } }, ""],
  ["a beta of 1.32", { node: { version: "v1.32.0-beta.0" } }, "in-place-old-kubelet"],
  ["a kubelet with the suffix of a vendor", { node: { version: "v1.32.1-eks-1a2b3c" } }, ""],
  ["an unknown kubelet", { node: { version: "" } }, "in-place-old-kubelet"],
  ["no new image on the node", { node: { images: [[OLD_IMAGE]] } }, "in-place-image-unknown"],
  ["no old image to go back to", { node: { images: [[NEW_IMAGE]] } }, "in-place-image-unknown"],
  ["no new image, but a pull", { node: { images: [[OLD_IMAGE]] }, consent: { pull: true } }, ""],
  [
    "a pull with a Secret",
    { node: { images: [[OLD_IMAGE]] }, consent: { pull: true }, pod: { usesPullSecret: true } },
    "in-place-pull-secret",
  ],
  ["a Secret without a pull", { consent: { pull: true }, pod: { usesPullSecret: true } }, ""],
  ["a drain of 29 s", { pod: { proxy: { drain: 29_000 } } }, ""],
  ["a drain of 30 s", { pod: { proxy: { drain: 30_000 } } }, "in-place-long-drain"],
  ["a drain without an end", { pod: { proxy: { drain: undefined } } }, "in-place-long-drain"],
  ["a grace period of 30 s", { pod: { gracePeriod: 30 } }, ""],
  ["a grace period of 31 s", { pod: { gracePeriod: 31 } }, "in-place-long-grace"],
  ["a liveness probe that lasts for the gap", probe(3, 10), ""],
  ["a liveness probe that fails at the end of the gap", probe(4, 5), ""],
  ["a liveness probe that fails before", probe(3, 7), "in-place-liveness"],
  ["a liveness probe that fails at once", probe(1, 60), "in-place-liveness"],
  ["a single pod", { other: "none" }, "in-place-single-pod"],
  ["a single pod with consent", { other: "none", consent: { downtime: true } }, ""],
  ["a bare pod", { bare: true }, "in-place-single-pod"],
  ["a bare pod with consent", { bare: true, consent: { downtime: true } }, ""],
  ["a budget that allows no eviction", budget(0), "in-place-budget"],
  ["a budget that allows one", budget(1), ""],
  ["a budget of other pods", budget(0, "db"), ""],
  ["a budget, with consent", { ...budget(0), consent: { downtime: true } }, ""],
  ["budgets that could not be read", { budgets: undefined }, "in-place-budgets-unread"],
  [
    "every pod on target",
    {
      pod: { proxy: nativeSidecar({ image: NEW_IMAGE }) },
      other: { proxy: nativeSidecar({ image: NEW_IMAGE }) },
    },
    "in-place-no-pods",
  ],
];

describe("a replacement in place", () => {
  test.for(ROWS)("%s", ([, change, code]) => {
    expect(codeOf(change)).toBe(code);
  });

  test("names the pods, and the images to pull", () => {
    const decided = decideInPlace(
      facts({
        node: { images: [] },
        consent: { pull: true },
        other: { proxy: { image: NEW_IMAGE } },
      }),
    );
    expect(decided).toMatchObject({
      kind: "possible",
      pods: [{ name: "web-1" }],
      pulls: [{ image: NEW_IMAGE }, { image: OLD_IMAGE }],
    });
  });

  test("is finished if it has begun, although the pod is not ready", () => {
    const mark = {
      image: OLD_IMAGE,
      to: NEW_IMAGE,
      at: "2026-11-22T20:00:00Z",
      containerId: "containerd://old",
      imageId: "proxyv2@sha256:old",
      restartCount: 0,
      application: [],
    };
    const pod = { ready: false, replacing: mark, proxy: { image: NEW_IMAGE } };
    const decided = decideInPlace(facts({ pod }));
    expect(decided).toMatchObject({
      kind: "possible",
      pods: [{ name: "web-1" }, { name: "web-2" }],
    });
  });

  test("against it, the next step of a restart remains", () => {
    const decided = decideInPlace(facts({ drift: undefined }));
    expect(decided).toMatchObject({
      finding: {
        reason: "not in place: the pod web-1 could not be compared with a new one",
        nextStep: {
          parts: [
            "or with a restart: ",
            { args: ["restart", "deployment/web", "--namespace", "shop"] },
          ],
        },
      },
    });
  });
});
