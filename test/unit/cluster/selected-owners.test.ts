import { describe, expect, test } from "vitest";
import { Gaps } from "../../../src/cluster/gaps.ts";
import { createSelectedOwners } from "../../../src/cluster/selected-owners.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { forbidden, respondingApi } from "../../support/build/scripted-api.ts";
import { bare } from "../../support/build/pod-group.ts";
import { deployment, otherWorkload } from "../../support/build/workload.ts";

const LABELS = { team: "pay" };
const KRUISE = "apps.kruise.io/v1alpha1";

function ownedBy(kind: string, apiVersion: string): Workload {
  return { ...otherWorkload(kind, "web"), labels: {}, apiVersion, uid: "owner" };
}

/** Selects `team=pay` in the namespace `shop`, where only the object `uid` has the label. */
async function select(workloads: readonly Workload[], uid = "owner") {
  const paths: string[] = [];
  const api = respondingApi(({ path, kind, query }) => {
    paths.push(path);
    if (path.includes("/secret")) return forbidden("list", "secretsets");
    if (path === "/apis/apps.kruise.io/v1alpha1") {
      const resource = (name: string, of: string) => ({ name, kind: of });
      const resources = [
        resource("clonesets/status", "CloneSet"),
        resource("clonesets", "CloneSet"),
        resource("statefulsets", "StatefulSet"),
        resource("secretsets", "SecretSet"),
      ];
      return { kind, resources };
    }
    expect(query?.["labelSelector"]).toBe("team=pay");
    return { kind, items: [{ metadata: { uid, namespace: "shop", labels: LABELS } }] };
  });
  const gaps = new Gaps(api);
  const found = await createSelectedOwners(api, "shop", "team=pay", gaps).select(workloads);
  return { found, paths, gaps: gaps.all().map(({ resource }) => resource) };
}

describe("a label selector", () => {
  test.each([
    ["ReplicaSet", "apps/v1", ["/apis/apps/v1/namespaces/shop/replicasets"]],
    ["Job", "batch/v1", ["/apis/batch/v1/namespaces/shop/jobs"]],
    ["CronJob", "batch/v1", ["/apis/batch/v1/namespaces/shop/cronjobs"]],
    ["ReplicationController", "v1", ["/api/v1/namespaces/shop/replicationcontrollers"]],
    [
      "CloneSet",
      KRUISE,
      ["/apis/apps.kruise.io/v1alpha1", "/apis/apps.kruise.io/v1alpha1/namespaces/shop/clonesets"],
    ],
    [
      "StatefulSet.apps.kruise.io",
      KRUISE,
      [
        "/apis/apps.kruise.io/v1alpha1",
        "/apis/apps.kruise.io/v1alpha1/namespaces/shop/statefulsets",
      ],
    ],
  ])("is matched against the labels of a %s, which are read", async (kind, apiVersion, asked) => {
    const { found, paths, gaps } = await select([ownedBy(kind, apiVersion)]);
    expect(found).toMatchObject([{ kind, labels: LABELS }]);
    expect([paths, gaps]).toEqual([asked, []]);
    expect((await select([ownedBy(kind, apiVersion)], "another")).found).toEqual([]);
  });

  test("keeps listed workloads and bare pods, and reads nothing for them", async () => {
    const workloads = [deployment("web"), otherWorkload("Pod", "single", { pods: [bare(1)] })];
    expect(await select(workloads)).toEqual({ found: workloads, paths: [], gaps: [] });
  });

  test("does not match static pods, which belong to their node", async () => {
    expect((await select([ownedBy("Node", "v1")])).found).toEqual([]);
  });

  test("reads each kind once", async () => {
    const sets = [ownedBy("ReplicaSet", "apps/v1"), ownedBy("ReplicaSet", "apps/v1")];
    expect((await select(sets)).paths).toHaveLength(1);
  });

  test.each([
    ["SecretSet", KRUISE, "secretset.apps.kruise.io"],
    ["Unserved", KRUISE, "unserved.apps.kruise.io"],
  ])("is a gap for a %s that cannot be read", async (kind, apiVersion, resource) => {
    expect(await select([ownedBy(kind, apiVersion)])).toMatchObject({
      found: [],
      gaps: [resource],
    });
  });
});
