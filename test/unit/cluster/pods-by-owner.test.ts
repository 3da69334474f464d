import { describe, expect, test } from "vitest";
import { controllerOf, type PodsByOwner, addPod } from "../../../src/cluster/pods-by-owner.ts";
import { apiPod, type ApiPodOptions } from "../../support/build/api-pod.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6";
const SIDECAR = { image: IMAGE };
const STATUS = "sidecar.istio.io/status";
const WEB = { kind: "ReplicaSet", name: "web-5d9", uid: "rs-1" };

function add(...pods: ApiPodOptions[]): readonly PodsByOwner[] {
  const podsByOwner = new Map<string, PodsByOwner>();
  for (const pod of pods.map(apiPod)) addPod(podsByOwner, pod);
  return [...podsByOwner.values()];
}

describe("pods with the same owner", () => {
  test("are grouped by image, revision and kind of sidecar", () => {
    const [only, ...others] = add(
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

  test("have the times of the oldest and of the newest pod", () => {
    const times = ["2026-11-22T20:00:01Z", "2026-10-01T09:00:00Z", "2026-11-22T20:00:00Z"];
    const [only] = add(
      ...times.map((createdAt, index) => ({
        name: `web-${index}`,
        owner: WEB,
        sidecar: SIDECAR,
        createdAt,
      })),
    );
    expect(only?.groups).toMatchObject([
      { oldestPod: { name: "web-1", createdAt: times[1] }, newest: times[0] },
    ]);
  });

  test.each(["Succeeded", "Failed"])("do not include a pod with phase %s", (phase) => {
    expect(add({ phase, ready: false, sidecar: SIDECAR })).toEqual([]);
  });

  test.each(["Pending", "Unknown"])("include a pod with phase %s", (phase) => {
    expect(add({ phase, ready: false, sidecar: SIDECAR })[0]?.groups.length).toBe(1);
  });

  test("are counted separately if they terminate", () => {
    const [only] = add({ owner: WEB, sidecar: SIDECAR, terminating: true });
    expect([only?.terminating, only?.groups.length]).toEqual([1, 0]);
  });

  test.each(["Deployment", "Rollout", "CronJob"])(
    "include a pod that names a %s as its own owner, since such an owner counts no pods",
    (kind) => {
      const [only] = add({ name: "stray", owner: { kind, name: "web", uid: "uid-web" } });
      expect(only?.owner).toMatchObject({ kind: "Pod", name: "stray" });
    },
  );

  test("include a bare pod as its own owner, with its labels", () => {
    const labels = { app: "web" };
    const [only] = add({
      name: "alone",
      labels,
      annotations: { "istio-upgrade/exclude": "true" },
    });
    expect(only?.owner).toEqual({ apiVersion: "v1", kind: "Pod", name: "alone", uid: "uid-alone" });
    expect(only?.metadata).toMatchObject({
      labels,
      annotations: { "istio-upgrade/exclude": "true" },
    });
  });

  test("do not pass their labels to the owner", () => {
    expect(add({ owner: WEB, labels: { app: "web" } })[0]?.metadata).toEqual({
      labels: {},
      annotations: {},
    });
  });

  test("belong to the owner with controller: true only", () => {
    const reference = { apiVersion: "v1", kind: "Team", name: "shop", uid: "t" };
    expect(controllerOf([reference, { ...reference, uid: "c", controller: true }])?.uid).toBe("c");
    expect(controllerOf([{ ...reference, controller: false }])).toBeUndefined();
    expect(controllerOf(undefined)).toBeUndefined();
  });
});

describe("pods with a container istio-proxy and without Istio's annotations", () => {
  const stripped = { owner: WEB, sidecar: SIDECAR, annotations: {} };

  test("are kept apart, since only the template tells whether the container is its own", () => {
    const [only] = add(stripped, { ...stripped, name: "b", terminating: true });
    expect(only?.groups).toEqual([]);
    expect(only?.unmarked).toMatchObject([{ image: IMAGE, revision: undefined, native: false }]);
    expect(only?.terminatingUnmarked).toMatchObject([{ image: IMAGE }]);
  });

  test("may have it as a native sidecar", () => {
    const [only] = add({ ...stripped, sidecar: { ...SIDECAR, native: true } });
    expect(only?.unmarked).toMatchObject([{ image: IMAGE, native: true }]);
  });

  test("have no sidecar if its image is auto", () => {
    const [only] = add({ ...stripped, sidecar: { image: "auto" } });
    expect([only?.groups[0]?.image, only?.unmarked]).toEqual([undefined, []]);
  });

  test.each<[what: string, args: readonly string[], image: string | undefined]>([
    ["a sidecar", ["proxy", "sidecar"], undefined],
    ["a gateway", ["proxy", "router", "--domain"], undefined],
    ["a container of the template's own", [], IMAGE],
    ["another program", ["serve"], IMAGE],
    ["ztunnel", ["proxy", "ztunnel"], IMAGE],
  ])("show by its arguments that it is %s", (_what, args, image) => {
    expect(add({ ...stripped, args })[0]?.sample?.proxy?.image).toBe(image);
  });
});

describe("the template of a pod whose owner is not listed", () => {
  const status = (names: readonly string[], initNames: readonly string[] | null = null) =>
    JSON.stringify({ containers: names, initContainers: initNames, revision: "asm-1-27" });

  test("does not have what injection added", () => {
    const annotations = {
      [STATUS]: status(["istio-proxy"]),
      "istio.io/rev": "asm-1-27",
      "sidecar.istio.io/proxyCPU": "1",
    };
    const [only] = add({ sidecar: SIDECAR, annotations });
    expect(only?.sample).toMatchObject({
      annotations: { "sidecar.istio.io/proxyCPU": "1" },
      proxy: undefined,
    });
  });

  test("does not have a native sidecar that injection added", () => {
    const annotations = { [STATUS]: status([], ["istio-init", "istio-proxy"]) };
    const [only] = add({ sidecar: { ...SIDECAR, native: true }, annotations });
    expect(only?.sample).toHaveProperty("proxy", undefined);
  });

  test("has a proxy that was not injected, with its arguments", () => {
    const args = ["proxy", "ztunnel"];
    const [only] = add({ sidecar: { image: "h/ztunnel:1" }, args });
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
  ])("has the proxy that injection recorded in %j", (overrides, proxy) => {
    const annotations = {
      [STATUS]: status(["istio-proxy"]),
      "proxy.istio.io/overrides": JSON.stringify(overrides),
    };
    const [only] = add({ sidecar: SIDECAR, annotations });
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
  ])("has the proxy if the status is malformed: %s", (value) => {
    const [only] = add({ sidecar: SIDECAR, annotations: { [STATUS]: value } });
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
  ])("has the valid parts of malformed overrides: %s", (overrides, proxy) => {
    const annotations = {
      [STATUS]: status(["istio-proxy"]),
      "proxy.istio.io/overrides": overrides,
    };
    const [only] = add({ sidecar: SIDECAR, annotations });
    expect(only?.sample?.proxy).toEqual(proxy);
  });

  test.each(["pod-template-hash", "controller-revision-hash"])(
    "does not exist if the label %s shows that the owner is listed",
    (label) => {
      expect(add({ owner: WEB, labels: { [label]: "5d9" } })[0]?.sample).toBeUndefined();
    },
  );
});

describe("a group of several pods", () => {
  test("keeps the names of ten pods, sorted, and counts all pods", () => {
    const names = Array.from({ length: 25 }, (_, index) => `web-${String(index).padStart(2, "0")}`);
    const [only] = add(...names.map((name) => ({ name, owner: WEB, sidecar: SIDECAR })));
    const [group] = only?.groups ?? [];
    expect(group).toMatchObject({ pods: 25, ready: 25, podNames: names.slice(0, 10) });
  });

  test("keeps the first trouble", () => {
    const [only] = add(
      { name: "a", owner: WEB },
      { name: "b", owner: WEB, ready: false, waiting: "ErrImagePull" },
      { name: "c", owner: WEB, ready: false, waiting: "CrashLoopBackOff" },
    );
    expect((only?.groups ?? [])[0]?.trouble).toMatchObject({ pod: "b" });
  });
});
