import { describe, expect, test } from "vitest";
import { explainEnding, podsOf, suspectOf } from "../../../src/rollout/cause.ts";
import { kubectl } from "../../../src/next-step.ts";
import { rolloutCommand } from "../../../src/kubernetes/kinds.ts";
import { type Ending, ended } from "../../../src/rollout/result.ts";
import type { RolloutView } from "../../../src/rollout/view.ts";
import type { CandidateEvent } from "../../../src/mesh/unready-pod.ts";
import type { Blocker } from "../../../src/snapshot.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  newPod,
  oldPod,
  RESTART,
  rolloutView,
  unschedulablePod,
} from "../../support/build/rollout-view.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";

const PODS = [sidecars(2, proxyImage("v1.27.7-1"))];
const WEB = deployment("web", { pods: PODS });
const PROXY: Blocker = { kind: "container", container: "istio-proxy" };
const UNREADY = { ready: false, blocker: PROXY };
const PROBE: CandidateEvent = {
  reason: "Unhealthy",
  message: "Readiness probe failed: 503",
  isWarning: true,
  container: "istio-proxy",
};

/** Returns an ending without a reason, and with the usual next step. */
function stalled({ ref }: RolloutView): Ending {
  const nextStep = rolloutCommand("status", ref);
  return ended("timed-out", "no-progress", "no progress for 15s, still rolling", nextStep);
}

function explain(
  view: RolloutView,
  events: readonly CandidateEvent[] | undefined,
  ending = stalled(view),
) {
  const pods = podsOf(view, RESTART);
  return explainEnding(ending, { view, pods, suspect: suspectOf(view, pods), events });
}

describe("the pod that explains a rollout is", () => {
  const ending = (name: string) => oldPod(name, { terminating: true });
  test.each<[what: string, view: RolloutView, name: string | undefined]>([
    [
      "one with a problem",
      rolloutView(WEB, { pods: [newPod("web-5", UNREADY), unschedulablePod("web-6")] }),
      "web-6",
    ],
    [
      "a new one that is not ready, before one that is terminating",
      rolloutView(WEB, { pods: [ending("web-1"), newPod("web-5", UNREADY)] }),
      "web-5",
    ],
    [
      "one that is terminating, if all new ones are ready",
      rolloutView(daemonSet("ds", { pods: PODS }), { pods: [newPod("ds-5"), ending("ds-1")] }),
      "ds-1",
    ],
    [
      "an old one that an OrderedReady StatefulSet waits for",
      rolloutView(statefulSet("db", { pods: PODS }), {
        pods: [oldPod("db-0", UNREADY), newPod("db-1")],
      }),
      "db-0",
    ],
    [
      "no old one of another kind: it does not stop the rollout",
      rolloutView(WEB, { pods: [oldPod("web-1", UNREADY), newPod("web-5")] }),
      undefined,
    ],
    ["none, if all are ready", rolloutView(WEB, { pods: [newPod("web-5")] }), undefined],
  ])("%s", (_what, view, name) => {
    expect(suspectOf(view, podsOf(view, RESTART))?.pod.name).toBe(name);
  });
});

describe("a rollout without progress", () => {
  const old = [oldPod("web-1"), oldPod("web-2")];
  const block = { budget: "web", message: "the PodDisruptionBudget web allows no eviction" };
  const serve = "2 old pods still serve";
  const describePod = ["describe", "pod", "web-5", "-n", "shop"];
  const slow = { minReadySeconds: 25 };

  test.each<
    [
      what: string,
      view: RolloutView,
      events: readonly CandidateEvent[],
      reason: string,
      args: readonly string[],
    ]
  >([
    [
      "names the sidecar that is not ready, with the words of its probe",
      rolloutView(WEB, { pods: [...old, newPod("web-5", UNREADY)] }),
      [PROBE],
      `the container istio-proxy of the new pod web-5 on aks-1 is not ready: Readiness probe failed: 503; ${serve}`,
      describePod,
    ],
    [
      "names the trouble of a pod once",
      rolloutView(WEB, { pods: [...old, unschedulablePod("web-5")] }),
      [],
      `the new pod web-5 cannot be scheduled: no nodes available; ${serve}`,
      describePod,
    ],
    [
      "names the node on which an old pod does not end",
      rolloutView(WEB, {
        pods: [newPod("web-6"), oldPod("web-5", { terminating: true, node: "aks-9" })],
      }),
      [],
      "the old pod web-5 on aks-9 is still terminating; no old pod is serving",
      describePod,
    ],
    [
      "names the budget that allows no eviction",
      rolloutView(argoRollout("web", { pods: PODS }), { pods: old, evictionBlock: block }),
      [],
      `the PodDisruptionBudget web allows no eviction, so Argo Rollouts cannot restart 2 old pods; it continues as soon as an eviction is allowed; ${serve}`,
      ["describe", "poddisruptionbudget", "web", "-n", "shop"],
    ],
    [
      "names the node of a DaemonSet's new pod",
      rolloutView(daemonSet("web", { pods: PODS }), {
        pods: [...old, newPod("web-5", { ready: false, node: "aks-7" })],
      }),
      [],
      `the new pod web-5 on aks-7 is not ready; ${serve}`,
      describePod,
    ],
    [
      "counts the other nodes that a DaemonSet waits for",
      rolloutView(daemonSet("web", { pods: PODS }), {
        pods: [
          ...old,
          newPod("web-5", { ready: false, node: "aks-7" }),
          newPod("web-6", { ready: false, node: "aks-8" }),
          oldPod("web-4", { terminating: true, node: "aks-9" }),
        ],
      }),
      [],
      `the new pod web-5 on aks-7 is not ready; waiting for that node, and for 2 more nodes; ${serve}`,
      describePod,
    ],
    [
      "has the status of the rollout if no pod explains it",
      rolloutView(
        deployment("web", {
          pods: PODS,
          rollout: { status: { replicas: 2, updated: 0, available: 2 } },
        }),
        { pods: old },
      ),
      [],
      `0 of 2 new pods have been created; ${serve}`,
      ["describe", "deployment/web", "-n", "shop"],
    ],
    [
      "names minReadySeconds if all new pods are ready",
      rolloutView(deployment("web", { pods: PODS, rollout: slow }), {
        pods: [...old, newPod("web-5")],
      }),
      [],
      `1 new pod is ready, but available only after 25s (minReadySeconds); ${serve}`,
      ["describe", "deployment/web", "-n", "shop"],
    ],
  ])("%s", (_what, view, events, reason, args) => {
    const { message, nextStep } = explain(view, events);
    expect(message).toBe(`no progress for 15s, still rolling: ${reason}`);
    expect(nextStep).toEqual(kubectl(...args));
  });
});

describe("an ending", () => {
  const view = rolloutView(WEB, {
    pods: [oldPod("web-1"), newPod("web-5", { ...UNREADY, node: "aks-3" })],
  });
  const why = "the container istio-proxy of the new pod web-5 on aks-3 is not ready";

  test("has the facts as data", () => {
    expect(explain(view, [PROBE]).cause).toEqual({
      pod: "web-5",
      container: "istio-proxy",
      node: "aks-3",
      event: { reason: "Unhealthy", message: "Readiness probe failed: 503" },
      budget: undefined,
      oldPodsReady: 1,
    });
  });

  test.each<[code: string, message: string, explained: string]>([
    ["interrupted", "still rolling", `still rolling: ${why}; 1 old pod still serves`],
    [
      "still-waiting",
      "no progress for 15s while waiting: not ready yet: its pod web-5 is not ready",
      `no progress for 15s while waiting: not ready yet: its pod web-5 is not ready; ${why}; 1 old pod still serves`,
    ],
    [
      "progress-deadline",
      "progress deadline exceeded: timed out; 1 old pod still serves",
      `progress deadline exceeded: timed out; 1 old pod still serves; ${why}`,
    ],
    ["unhealthy", `restarted at 9, but ${why}`, `restarted at 9, but ${why}`],
    ["pod-failed", "the new pod web-5 has failed", "the new pod web-5 has failed"],
    ["superseded", "helm changed the pod template", "helm changed the pod template"],
  ])("with the code %s says why unless it did", (code, message, explained) => {
    const ending = ended("timed-out", code, message, "as before");
    expect(explain(view, [], ending)).toMatchObject({ message: explained, nextStep: "as before" });
  });

  test.each(["interrupted", "login-expired", "permission-lost"])(
    "with the code %s has the facts of the last read if the API server answers nothing more",
    (code) => {
      const ending = ended("still-rolling", code, "may still be rolling: no answer", "as before");
      expect(explain(view, undefined, ending)).toMatchObject({
        message: `may still be rolling: no answer; last seen: ${why}; 1 old pod still serves`,
        nextStep: "as before",
        cause: { pod: "web-5", container: "istio-proxy", node: "aks-3", event: undefined },
      });
    },
  );
});
