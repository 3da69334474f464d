import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/http/api-error.ts";
import { findPod } from "../../../src/cluster/named-pod.ts";
import { CannotRun } from "../../../src/errors.ts";
import { type Answer, forbidden, scriptedApi } from "../../support/build/scripted-api.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1";

function owner(kind: string, name: string) {
  return { kind, name, uid: `${kind}-${name}`, controller: true };
}

function pod(owners: readonly object[], more: object = {}): Answer {
  return {
    kind: "Pod",
    metadata: {
      name: "web-1",
      namespace: "shop",
      uid: "pod-uid",
      annotations: { "istio.io/rev": "asm-1-27" },
      ownerReferences: owners,
      ...more,
    },
    spec: { containers: [{ name: "istio-proxy", image: IMAGE }] },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
  };
}

function intermediate(kind: string, owners: readonly object[]): Answer {
  return { kind, metadata: { name: "intermediate", ownerReferences: owners } };
}

async function find(...answers: readonly Answer[]) {
  const api = scriptedApi(answers);
  const found = await findPod(api, "shop", "web-1");
  return { ...found, paths: api.requests.map(({ path }) => path) };
}

describe("a named pod", () => {
  test.each(["constructor", "toString", "__proto__"])(
    "may have an owner of kind %s",
    async (kind) => {
      expect(await find(pod([owner(kind, "x")]))).toMatchObject({ ownerUid: `${kind}-x` });
    },
  );

  test("has its phase and its sidecar", async () => {
    expect(await find(pod([]))).toMatchObject({
      name: "web-1",
      phase: "Running",
      terminating: false,
      group: { image: IMAGE, revision: "asm-1-27", ready: 1 },
      ownerUid: "pod-uid",
    });
    const ending = pod([], { deletionTimestamp: "2026-11-22T20:00:00Z" });
    expect(await find(ending)).toMatchObject({ terminating: true });
  });

  test.each<[what: string, answers: readonly Answer[], ownerUid: string, last: string]>([
    [
      "a StatefulSet",
      [pod([owner("StatefulSet", "db")])],
      "StatefulSet-db",
      "/api/v1/namespaces/shop/pods/web-1",
    ],
    [
      "a Deployment, through a ReplicaSet",
      [pod([owner("ReplicaSet", "rs")]), intermediate("ReplicaSet", [owner("Deployment", "web")])],
      "Deployment-web",
      "/apis/apps/v1/namespaces/shop/replicasets/rs",
    ],
    [
      "a ReplicaSet without a controller",
      [pod([owner("ReplicaSet", "rs")]), intermediate("ReplicaSet", [])],
      "ReplicaSet-rs",
      "/apis/apps/v1/namespaces/shop/replicasets/rs",
    ],
    [
      "a CronJob, through a Job",
      [pod([owner("Job", "run")]), intermediate("Job", [owner("CronJob", "nightly")])],
      "CronJob-nightly",
      "/apis/batch/v1/namespaces/shop/jobs/run",
    ],
    [
      "itself if no owner is a controller",
      [pod([{ ...owner("Deployment", "web"), controller: false }])],
      "pod-uid",
      "/api/v1/namespaces/shop/pods/web-1",
    ],
  ])("belongs to %s", async (_what, answers, ownerUid, last) => {
    const found = await find(...answers);
    expect([found.ownerUid, found.paths.at(-1)]).toEqual([ownerUid, last]);
  });

  test("cannot be found if it does not exist, or may not be read", async () => {
    const missing = new ApiError('pods "web-1" not found', { status: 404, reason: "NotFound" });
    await expect(find(missing)).rejects.toThrow('pod/web-1 does not exist in the namespace "shop"');
    const refused = find(forbidden("get", "pods"));
    await expect(refused).rejects.toThrow(CannotRun);
    await expect(refused).rejects.toThrow('you may not get pods in the namespace "shop"');
    const gone = new ApiError("connect ECONNREFUSED", { status: 0, reason: "ECONNREFUSED" });
    await expect(find(gone)).rejects.toThrow(
      'pod/web-1 in the namespace "shop" could not be read: connect ECONNREFUSED',
    );
  });
});
