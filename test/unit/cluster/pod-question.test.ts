import { describe, expect, test } from "vitest";
import { readPodQuestion } from "../../../src/cluster/pod-question.ts";
import type { ApiRequest } from "../../../src/http/request.ts";
import { forbidden, respondingApi } from "../../support/build/scripted-api.ts";

type Fields = Readonly<Record<string, unknown>>;

const TEMPLATE = {
  metadata: { labels: { app: "web" }, annotations: { note: "mine" } },
  spec: { containers: [{ name: "app", image: "app:1" }], volumes: [{ name: "own" }] },
};

function pod(kind: string, more: { labels?: Fields; spec?: Fields; apiVersion?: string } = {}) {
  return {
    metadata: {
      name: "web-0",
      generateName: "web-",
      namespace: "shop",
      labels: { app: "web", added: "by a webhook", ...more.labels },
      annotations: { "istio.io/rev": "asm-1-27" },
      ownerReferences: [
        {
          apiVersion: more.apiVersion ?? "apps/v1",
          kind,
          name: "web",
          uid: "u",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { nodeName: "node-1", containers: [], ...more.spec },
  };
}

/** Asks about a pod in a world of objects by their resource and name. */
async function ask(objects: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const api = respondingApi(({ path, query, kind }: ApiRequest) => {
    const name = query?.["fieldSelector"]?.replace("metadata.name=", "") ?? "";
    const key = `${path.split("/").at(-1)}/${name}`;
    asked.push(key);
    const found = objects[key];
    if (found === "forbidden") return forbidden("list", path.split("/").at(-1) ?? "");
    return { kind, metadata: {}, items: found === undefined ? [] : [found] };
  });
  return { asked, question: await readPodQuestion(api, "shop", "web-0") };
}

describe("the pod that a controller would create again", () => {
  test("has the template, the labels and the owner of its own ReplicaSet", async () => {
    const live = pod("ReplicaSet", { labels: { "pod-template-hash": "abc" } });
    const { question, asked } = await ask({
      "pods/web-0": live,
      "replicasets/web": { metadata: { name: "web" }, spec: { template: TEMPLATE } },
    });
    expect(asked).toEqual(["pods/web-0", "replicasets/web"]);
    expect(question).toEqual({
      kind: "question",
      live,
      asked: {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          generateName: "web-",
          namespace: "shop",
          labels: { app: "web", "pod-template-hash": "abc" },
          annotations: { note: "mine" },
          ownerReferences: [
            { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "u", controller: true },
          ],
        },
        spec: TEMPLATE.spec,
      },
    });
  });

  test("of a StatefulSet has its place and its claims", async () => {
    const claim = { name: "data", persistentVolumeClaim: { claimName: "data-web-0" } };
    const labels = { "controller-revision-hash": "web-new", "apps.kubernetes.io/pod-index": "0" };
    const spec = { hostname: "web-0", subdomain: "web", volumes: [claim, { name: "token" }] };
    const { question } = await ask({
      "pods/web-0": pod("StatefulSet", { labels, spec }),
      "statefulsets/web": {
        metadata: { name: "web" },
        spec: { template: TEMPLATE, volumeClaimTemplates: [{ metadata: { name: "data" } }] },
        status: { updateRevision: "web-new" },
      },
    });
    expect(question).toMatchObject({
      asked: {
        metadata: { labels: { app: "web", ...labels } },
        spec: { hostname: "web-0", subdomain: "web", volumes: [{ name: "own" }, claim] },
      },
    });
  });

  const OLD = { ...TEMPLATE, spec: { containers: [{ name: "app", image: "app:0" }] } };
  const revision = { data: { spec: { template: { ...OLD, $patch: "replace" } } } };

  test.each<[kind: string, labels: Fields, owner: Fields, revisionName: string]>([
    [
      "StatefulSet",
      { "controller-revision-hash": "web-old" },
      { status: { updateRevision: "web-new" } },
      "web-old",
    ],
    [
      "DaemonSet",
      { "controller-revision-hash": "old", "pod-template-generation": "1" },
      {
        metadata: {
          name: "web",
          annotations: { "deprecated.daemonset.template.generation": "2" },
        },
      },
      "web-old",
    ],
  ])("of an older revision of a %s has the older template", async (kind, labels, owner, name) => {
    const { question } = await ask({
      "pods/web-0": pod(kind, { labels }),
      [`${kind.toLowerCase()}s/web`]: {
        metadata: { name: "web" },
        spec: { template: TEMPLATE },
        ...owner,
      },
      [`controllerrevisions/${name}`]: revision,
    });
    expect(question).toMatchObject({ asked: { spec: OLD.spec } });
  });

  test("of the present generation of a DaemonSet needs no revision", async () => {
    const affinity = { nodeAffinity: {} };
    const labels = { "controller-revision-hash": "x", "pod-template-generation": "2" };
    const { question, asked } = await ask({
      "pods/web-0": pod("DaemonSet", { labels, spec: { affinity } }),
      "daemonsets/web": {
        metadata: {
          name: "web",
          annotations: { "deprecated.daemonset.template.generation": "2" },
        },
        spec: { template: TEMPLATE },
      },
    });
    expect(asked).toEqual(["pods/web-0", "daemonsets/web"]);
    expect(question).toMatchObject({ asked: { spec: { affinity } } });
  });
});

describe("a pod without a question", () => {
  test.each<[what: string, objects: Readonly<Record<string, unknown>>, expected: Fields]>([
    ["is gone", {}, { kind: "gone" }],
    ["has an owner that is gone", { "pods/web-0": pod("ReplicaSet") }, { kind: "gone" }],
    [
      "has no owner",
      { "pods/web-0": { metadata: { name: "web-0" }, spec: {} } },
      { kind: "no-template", owner: "Pod" },
    ],
    [
      "belongs to a custom controller",
      { "pods/web-0": pod("StatefulSet", { apiVersion: "apps.kruise.io/v1beta1" }) },
      { kind: "no-template", owner: "StatefulSet" },
    ],
    [
      "may not be read",
      { "pods/web-0": "forbidden" },
      { kind: "unread", access: { verb: "list", resource: "pods", namespace: "shop" } },
    ],
    [
      "has a template that may not be read",
      { "pods/web-0": pod("ReplicaSet"), "replicasets/web": "forbidden" },
      { kind: "unread", access: { verb: "list", resource: "replicasets.apps", namespace: "shop" } },
    ],
  ])("%s", async (_what, objects, expected) => {
    expect((await ask(objects)).question).toMatchObject(expected);
  });
});
