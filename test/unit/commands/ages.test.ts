import { expect, test } from "vitest";
import { createAgeLookup } from "../../../src/commands/ages.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { controlPlane, type Part } from "../../support/build/control-plane.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { type Answer, forbidden, scriptedApi } from "../../support/build/scripted-api.ts";
import { deployment } from "../../support/build/workload.ts";

const OLD = proxyImage("v1.27.7-1");
const [TARGET, ISTIOD] = [proxyImage("v1.27.9-6"), "pilot:v1.27.9-6"];
const [CREATED, RELEASED] = ["2026-10-28T12:00:00Z", "2026-11-20T12:00:00Z"];
const [CHANGED, NOW] = ["2026-11-27T12:00:00Z", "2026-11-28T12:00:00Z"];
const DAY = 86_400;

const LIST = {
  kind: "ReplicaSetList",
  metadata: {},
  items: [
    {
      metadata: { creationTimestamp: RELEASED },
      spec: {
        template: {
          metadata: { labels: { app: "istiod" } },
          spec: {
            containers: [{ image: ISTIOD, env: [{ name: "REVISION", value: "asm-1-27" }] }],
          },
        },
      },
    },
    { metadata: { creationTimestamp: CREATED }, spec: { template: {} } },
  ],
};

/** Looks up the ages of a current workload, and of two outdated ones with the same pods. */
async function lookUp(answers: readonly Answer[], unread: readonly Part[] = []) {
  const api = scriptedApi(answers);
  const notes = new Set<string>();
  const revisions = [{ name: "asm-1-27", values: { image: TARGET }, istiodImage: ISTIOD }];
  const mesh = resolveMesh(controlPlane({ revisions, changedAt: CHANGED, readAt: NOW, unread }));
  const assessed = (name: string, image: string) =>
    assessmentOf(deployment(name, { pods: [sidecars(1, image, { oldest: CREATED })] }));
  const withAge = createAgeLookup({ api, notes }, mesh);
  const found = await Promise.all(
    [assessed("api", TARGET), assessed("web", OLD), assessed("worker", OLD)].map(withAge),
  );
  const ages = found.map(({ outdatedFor }) => outdatedFor);
  return { ages, notes: [...notes], paths: api.requests.map(({ path }) => path) };
}

test("the ReplicaSets of the Istio namespace are listed once, for all outdated workloads", async () => {
  const age = { atLeast: 8 * DAY, atMost: 31 * DAY };
  expect(await lookUp([LIST])).toEqual({
    ages: [undefined, age, age],
    notes: [],
    paths: ["/apis/apps/v1/namespaces/aks-istio-system/replicasets"],
  });
});

test("without permission to list them, the age begins with the target, and a note says so", async () => {
  const age = { atLeast: DAY, atMost: 31 * DAY };
  expect(await lookUp([forbidden("list", "replicasets")])).toMatchObject({
    ages: [undefined, age, age],
    notes: [
      "not allowed to list replicasets in aks-istio-system: workloads may have been outdated for longer than reported",
    ],
  });
});

test("they are not listed if the Deployments of istiod could not be read", async () => {
  const age = { atLeast: DAY, atMost: 31 * DAY };
  expect(await lookUp([], ["istiods"])).toEqual({
    ages: [undefined, age, age],
    notes: [],
    paths: [],
  });
});
