import { describe, expect, test } from "vitest";
import {
  controllerOf,
  podGroupRecord,
  type PodsByOwner,
  addPod,
} from "../../../src/cluster/pods-by-owner.ts";
import { apiPod, type ApiPodOptions } from "../../support/build/api-pod.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6";
const SIDECAR = { image: IMAGE };
const STATUS = "sidecar.istio.io/status";
const WEB = { kind: "ReplicaSet", name: "web-5d9", uid: "rs-1" };

function tally(...pods: ApiPodOptions[]): readonly PodsByOwner[] {
  const tallies = new Map<string, PodsByOwner>();
  for (const pod of pods.map(apiPod)) addPod(tallies, pod);
  return [...tallies.values()];
}

describe("what one pod runs", () => {
  test.each<[what: string, pod: ApiPodOptions, expected: object]>([
    ["a classic sidecar", { sidecar: SIDECAR }, { image: IMAGE, native: false }],
    ["a native sidecar", { sidecar: { ...SIDECAR, native: true } }, { image: IMAGE, native: true }],
    ["none", {}, { image: undefined, native: false, revision: undefined }],
    [
      "none, where the template has a container of that name and nothing was injected",
      { sidecar: SIDECAR, annotations: {} },
      { image: undefined, native: false, revision: undefined },
    ],
    [
      "what istiod rendered from a Gateway: a revision, and no injection status",
      { sidecar: SIDECAR, annotations: { "istio.io/rev": "asm-1-28" } },
      { image: IMAGE, native: false, revision: "asm-1-28" },
    ],
    [
      "its revision by annotation",
      { sidecar: SIDECAR, annotations: { "istio.io/rev": "asm-1-27" } },
      { revision: "asm-1-27" },
    ],
    [
      "its revision by the status, whose arrays may be null",
      {
        sidecar: SIDECAR,
        annotations: {
          [STATUS]: '{"containers":null,"initContainers":null,"revision":"asm-1-26"}',
        },
      },
      { revision: "asm-1-26" },
    ],
    [
      "the annotation before the status",
      {
        sidecar: SIDECAR,
        annotations: { "istio.io/rev": "asm-1-27", [STATUS]: '{"revision":"asm-1-26"}' },
      },
      { revision: "asm-1-27" },
    ],
    [
      "a status that is no JSON",
      { sidecar: SIDECAR, annotations: { [STATUS]: "{" } },
      { revision: undefined },
    ],
    [
      "a status that is null",
      { sidecar: SIDECAR, annotations: { [STATUS]: "null" } },
      { revision: undefined },
    ],
    ...['{"revision":7}', '{"revision":null}', '{"revision":{"a":1}}', '"asm-1-26"', "7", "[]"].map(
      (status): [string, ApiPodOptions, object] => [
        `no revision by the status ${status}`,
        { sidecar: SIDECAR, annotations: { [STATUS]: status } },
        { revision: undefined },
      ],
    ),
    [
      "a revision by a status whose arrays are none",
      {
        sidecar: SIDECAR,
        annotations: { [STATUS]: '{"revision":"asm-1-26","containers":7,"initContainers":{}}' },
      },
      { revision: "asm-1-26" },
    ],
    [
      "no revision without a sidecar, whatever it is annotated with",
      { annotations: { "istio.io/rev": "asm-1-27" } },
      { image: undefined, revision: undefined },
    ],
    ["a ready pod", { sidecar: SIDECAR }, { pods: 1, ready: 1, podNames: ["web-1"] }],
    ["a pod that is not ready", { sidecar: SIDECAR, ready: false }, { pods: 1, ready: 0 }],
  ])("%s", (_what, pod, expected) => {
    expect(podGroupRecord(apiPod(pod))).toMatchObject(expected);
  });

  test("a pod without status, conditions or metadata is a pod that is not ready", () => {
    const bare = { image: undefined, native: false, pods: 1, ready: 0, trouble: undefined };
    expect(podGroupRecord({ spec: { containers: [] } })).toMatchObject(bare);
    expect(podGroupRecord({ status: { phase: "Pending" } })).toMatchObject(bare);
    expect(podGroupRecord({})).toMatchObject(bare);
  });

  test("istio-init and istio-validation run the same image and are no sidecar", () => {
    const initContainers = ["istio-init", "istio-validation"].map((name) => ({
      name,
      image: IMAGE,
    }));
    const pod = { spec: { containers: [{ name: "app", image: "istio-proxy:1" }], initContainers } };
    expect(podGroupRecord(pod).image).toBeUndefined();
  });

  test.each([
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
  ])("%s is trouble, in the kubelet's words", (waiting) => {
    expect(podGroupRecord(apiPod({ ready: false, waiting })).trouble).toEqual({
      pod: "web-1",
      reason: waiting,
      message: "why",
    });
  });

  test.each(["ContainerCreating", "PodInitializing"])("%s is none: it passes", (waiting) => {
    expect(podGroupRecord(apiPod({ ready: false, waiting })).trouble).toBeUndefined();
  });

  test("a container that is started over and over has last words", () => {
    const pod = apiPod({ ready: false, waiting: "CrashLoopBackOff" });
    const [container] = pod.status?.containerStatuses ?? [];
    if (container === undefined) throw new Error("the pod has a container");
    const told = (terminated: object) => {
      container.lastState = { terminated: { exitCode: 137, ...terminated } };
      return podGroupRecord(pod).trouble?.message;
    };
    expect(told({ reason: "OOMKilled" })).toBe("why; app ended with exit code 137 (OOMKilled)");
    expect(told({ reason: "Error", message: "no config\n" })).toBe(
      "why; app ended with exit code 137 (Error: no config)",
    );
    expect(told({})).toBe("why; app ended with exit code 137");
  });

  test("trouble of an init container counts", () => {
    const state = { waiting: { reason: "CrashLoopBackOff" } };
    const status = {
      name: "istio-init",
      image: "",
      imageID: "",
      ready: false,
      restartCount: 3,
      state,
    };
    const pod = { metadata: { name: "p" }, status: { initContainerStatuses: [status] } };
    expect(podGroupRecord(pod).trouble).toEqual({
      pod: "p",
      reason: "CrashLoopBackOff",
      message: "",
    });
  });
});

describe("pods are folded into their owner's tally", () => {
  test("grouped by image, revision and mode, and counted", () => {
    const [only, ...others] = tally(
      { name: "a", owner: WEB, sidecar: SIDECAR },
      { name: "b", owner: WEB, sidecar: SIDECAR, ready: false },
      { name: "c", owner: WEB, sidecar: { ...SIDECAR, native: true } },
      { name: "d", owner: WEB, sidecar: SIDECAR, annotations: { "istio.io/rev": "asm-1-27" } },
      { name: "e", owner: WEB },
    );
    expect(others).toEqual([]);
    expect(only?.owner).toMatchObject(WEB);
    const groups = only?.groups ?? [];
    expect(groups.map(({ pods, ready, podNames }) => [pods, ready, podNames])).toEqual([
      [2, 1, ["a", "b"]],
      [1, 1, ["c"]],
      [1, 1, ["d"]],
      [1, 1, ["e"]],
    ]);
  });

  test.each(["Succeeded", "Failed"])("a pod that has %s runs nothing", (phase) => {
    expect(tally({ phase, ready: false, sidecar: SIDECAR })).toEqual([]);
  });

  test.each(["Pending", "Unknown"])("a pod that is %s counts", (phase) => {
    expect(tally({ phase, ready: false, sidecar: SIDECAR })[0]?.groups.length).toBe(1);
  });

  test("a terminating pod is counted apart", () => {
    const [only] = tally({ owner: WEB, sidecar: SIDECAR, terminating: true });
    expect([only?.terminating, only?.groups.length]).toEqual([1, 0]);
  });

  test("a bare pod is its own owner, with its own labels", () => {
    const labels = { app: "web" };
    const [only] = tally({
      name: "alone",
      labels,
      annotations: { "istio-upgrade/exclude": "true" },
    });
    expect(only?.owner).toEqual({ kind: "Pod", name: "alone", uid: "uid-alone" });
    expect(only?.metadata).toMatchObject({
      labels,
      annotations: { "istio-upgrade/exclude": "true" },
    });
  });

  test("an owned pod lends its owner no labels", () => {
    expect(tally({ owner: WEB, labels: { app: "web" } })[0]?.metadata).toEqual({
      labels: {},
      annotations: {},
    });
  });

  test("only the reference that controls is the owner", () => {
    const reference = { apiVersion: "v1", kind: "Team", name: "shop", uid: "t" };
    expect(controllerOf([reference, { ...reference, uid: "c", controller: true }])?.uid).toBe("c");
    expect(controllerOf([{ ...reference, controller: false }])).toBeUndefined();
    expect(controllerOf(undefined)).toBeUndefined();
  });
});

describe("the template behind a pod whose owner is not listed", () => {
  const status = (names: readonly string[], initNames: readonly string[] | null = null) =>
    JSON.stringify({ containers: names, initContainers: initNames, revision: "asm-1-27" });

  test("is without what injection added", () => {
    const annotations = {
      [STATUS]: status(["istio-proxy"]),
      "istio.io/rev": "asm-1-27",
      "sidecar.istio.io/proxyCPU": "1",
    };
    const [only] = tally({ sidecar: SIDECAR, annotations });
    expect(only?.sample).toMatchObject({
      annotations: { "sidecar.istio.io/proxyCPU": "1" },
      proxy: undefined,
    });
  });

  test("is without a native sidecar that injection added", () => {
    const annotations = { [STATUS]: status([], ["istio-init", "istio-proxy"]) };
    const [only] = tally({ sidecar: { ...SIDECAR, native: true }, annotations });
    expect(only?.sample).toHaveProperty("proxy", undefined);
  });

  test("keeps a proxy that nobody injected, with its arguments", () => {
    const args = ["proxy", "ztunnel"];
    const [only] = tally({ sidecar: { image: "h/ztunnel:1" }, args });
    expect(only?.sample).toHaveProperty("proxy", { image: "h/ztunnel:1", args, confined: false });
  });

  test.each([
    [
      { containers: [{ name: "istio-proxy", image: "own:1" }] },
      { image: "own:1", args: [], confined: false },
    ],
    [{ containers: [{ name: "istio-proxy" }] }, { image: "auto", args: [], confined: false }],
    [{ containers: [{ name: "other" }] }, undefined],
    [{ containers: null }, undefined],
  ])("has the own proxy that injection noted down in %j", (overrides, proxy) => {
    const annotations = {
      [STATUS]: status(["istio-proxy"]),
      "proxy.istio.io/overrides": JSON.stringify(overrides),
    };
    const [only] = tally({ sidecar: SIDECAR, annotations });
    expect(only?.sample?.proxy).toEqual(proxy);
  });

  test.each([
    "{",
    "null",
    "7",
    "[]",
    '"istio-proxy"',
    '{"containers":7}',
    '{"containers":{"istio-proxy":true}}',
    '{"containers":[null,7,{}],"initContainers":true}',
  ])("keeps its proxy where the status is malformed: %s", (value) => {
    const [only] = tally({ sidecar: SIDECAR, annotations: { [STATUS]: value } });
    expect(only?.sample?.proxy).toMatchObject({ image: IMAGE });
  });

  test.each([
    ["{", undefined],
    ["null", undefined],
    ["7", undefined],
    ['"text"', undefined],
    ['{"containers":7}', undefined],
    ['{"containers":[null,7,"istio-proxy"]}', undefined],
    [
      '{"containers":[{"name":"istio-proxy","image":7}]}',
      { image: "auto", args: [], confined: false },
    ],
    [
      '{"containers":[null,{"name":"istio-proxy","image":"own:1"}]}',
      { image: "own:1", args: [], confined: false },
    ],
  ])("has what malformed overrides still say: %s", (overrides, proxy) => {
    const annotations = {
      [STATUS]: status(["istio-proxy"]),
      "proxy.istio.io/overrides": overrides,
    };
    const [only] = tally({ sidecar: SIDECAR, annotations });
    expect(only?.sample?.proxy).toEqual(proxy);
  });

  test.each(["pod-template-hash", "controller-revision-hash"])(
    "is not made up where %s says that the owner has one",
    (label) => {
      expect(tally({ owner: WEB, labels: { [label]: "5d9" } })[0]?.sample).toBeUndefined();
    },
  );
});

test("names are kept for ten pods of a group, sorted, and all are counted", () => {
  const names = Array.from({ length: 25 }, (_, index) => `web-${String(index).padStart(2, "0")}`);
  const [only] = tally(...names.map((name) => ({ name, owner: WEB, sidecar: SIDECAR })));
  const [group] = only?.groups ?? [];
  expect(group).toMatchObject({ pods: 25, ready: 25, podNames: names.slice(0, 10) });
});

test("the first trouble of a group is kept", () => {
  const [only] = tally(
    { name: "a", owner: WEB },
    { name: "b", owner: WEB, ready: false, waiting: "ErrImagePull" },
    { name: "c", owner: WEB, ready: false, waiting: "CrashLoopBackOff" },
  );
  expect((only?.groups ?? [])[0]?.trouble).toMatchObject({ pod: "b" });
});
