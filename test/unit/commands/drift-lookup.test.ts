import type { V1Pod } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import type { CreatedPod } from "../../../src/cluster/dry-run.ts";
import { createDriftLookup } from "../../../src/commands/drift-lookup.ts";
import type { ApiRequest } from "../../../src/http/request.ts";
import type { PodGroup, Webhook } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { respondingApi } from "../../support/build/scripted-api.ts";
import { virtualIo } from "../../support/build/virtual-clock.ts";
import { otherWebhook } from "../../support/build/webhook.ts";
import { deployment } from "../../support/build/workload.ts";

const IMAGE = proxyImage("v1.27.9-6");
const HOOK = otherWebhook();

function pod(name: string, env: string, cpu = "100m"): V1Pod {
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "u" };
  return {
    metadata: {
      name,
      namespace: "shop",
      labels: { app: "web" },
      ownerReferences: [{ ...owner, controller: true }],
    },
    spec: {
      containers: [
        { name: "app", image: "app:1", env: [{ name: "ID", value: env }] },
        { name: "istio-proxy", image: IMAGE, resources: { requests: { cpu } } },
      ],
    },
  };
}

const REPLICA_SET = {
  metadata: { name: "web" },
  spec: { template: { spec: { containers: [{ name: "app", image: "app:1" }] } } },
};

interface World {
  readonly pods?: Readonly<Record<string, V1Pod>>;
  readonly answers: readonly CreatedPod[];
  readonly webhooks?: readonly Webhook[];
  readonly groups?: readonly PodGroup[];
}

async function lookUp({ pods, answers, webhooks = [], groups }: World) {
  const read: string[] = [];
  const existing = pods ?? { "web-1": pod("web-1", "a") };
  const api = respondingApi(({ path, query, kind }: ApiRequest) => {
    const name = query?.["fieldSelector"]?.replace("metadata.name=", "") ?? "";
    read.push(name);
    const found = path.endsWith("replicasets") ? REPLICA_SET : existing[name];
    return { kind, metadata: {}, items: found === undefined ? [] : [found] };
  });
  let asked = 0;
  const prover = {
    when: "auto" as const,
    prove: () => Promise.reject(new Error("no proof is needed")),
    create: () => {
      const answer = answers[asked++];
      if (answer === undefined) throw new Error("too many dry runs");
      return Promise.resolve(answer);
    },
    notes: () => [],
    gaps: () => [],
  };
  const io = virtualIo();
  const progress = { emit: () => undefined, stop: () => undefined, pause: () => () => undefined };
  const lookup = createDriftLookup(
    { api, io, prover, progress },
    new Map([["shop", namespace("shop", { rev: "asm-1-27" })]]),
    { ...meshOf(), otherWebhooks: webhooks },
  );
  const workload = deployment("web", {
    pods: groups ?? [sidecars(1, IMAGE, { podNames: ["web-1"] })],
  });
  const found = await lookup.of(assessmentOf(workload));
  return {
    drift: found?.drift.map(({ path }) => path),
    gaps: lookup.gaps().map(({ verb, resource, reason }) => `${verb} ${resource}: ${reason}`),
    notes: lookup.notes(),
    asked,
    read,
    elapsed: io.elapsed(),
  };
}

const created = (env: string, cpu?: string): CreatedPod => ({
  kind: "created",
  pod: pod("new", env, cpu),
});

const ID = "spec.containers[app].env[ID]";
const CPU = "spec.containers[istio-proxy].resources.requests.cpu";

describe("the number of dry runs", () => {
  test.each<[what: string, world: World, expected: object]>([
    [
      "one if no other webhook is called",
      { answers: [created("b", "250m")] },
      { drift: [CPU, ID], asked: 1, elapsed: 0 },
    ],
    [
      "one if nothing has changed",
      { answers: [created("a")], webhooks: [HOOK] },
      { drift: [], asked: 1, elapsed: 0 },
    ],
    [
      "two, a second apart, if another webhook may have caused a change",
      { answers: [created("b", "250m"), created("c", "250m")], webhooks: [HOOK] },
      { drift: [CPU], asked: 2, elapsed: 1100 },
    ],
    [
      "one for each group of pods",
      {
        answers: [created("a"), created("a", "250m")],
        pods: { "web-1": pod("web-1", "a"), "web-2": pod("web-2", "a") },
        groups: [
          sidecars(1, IMAGE, { podNames: ["web-1"] }),
          sidecars(1, IMAGE, { podNames: ["web-2"], native: true }),
        ],
      },
      { drift: [CPU], asked: 2 },
    ],
  ])("is %s", async (_what, world, expected) => {
    expect(await lookUp(world)).toMatchObject({ gaps: [], ...expected });
  });
});

describe("a pod that cannot be compared", () => {
  test("is replaced by another one of its group, and the oldest comes first", async () => {
    const group = sidecars(3, IMAGE, { podNames: ["web-1", "web-2", "web-3"] });
    const oldestPod = { name: "web-3", createdAt: "2026-11-22T20:00:00Z" };
    const { drift, read } = await lookUp({
      answers: [created("a")],
      groups: [{ ...group, oldestPod }],
    });
    expect([drift, read.slice(0, 3)]).toEqual([[], ["web-3", "web-1", "web"]]);
  });

  test("another pod of its ReplicaSet is compared with the same dry run", async () => {
    const { drift, asked } = await lookUp({
      answers: [created("a", "250m")],
      pods: { "web-1": pod("web-1", "a", "250m"), "web-2": pod("web-2", "a") },
      groups: [sidecars(2, IMAGE, { podNames: ["web-1", "web-2"] })],
    });
    expect([drift, asked]).toEqual([[CPU], 1]);
  });

  test.each<[what: string, world: World, gap: string]>([
    ["all pods are gone", { answers: [], pods: {} }, "list pods: not-read"],
    [
      "the pod would be rejected",
      { answers: [{ kind: "refused", message: "no" }] },
      "create pods: refused",
    ],
    [
      "another webhook does not support dry runs",
      { answers: [{ kind: "unavailable", message: "does not support dry run" }] },
      "create pods: refused",
    ],
  ])("is a gap: %s", async (_what, world, gap) => {
    expect(await lookUp(world)).toMatchObject({ drift: undefined, gaps: [gap] });
  });

  test("has a note if it has no template", async () => {
    const { metadata, ...bare } = pod("web-1", "a");
    const { ownerReferences: _, ...rest } = metadata ?? {};
    const pods = { "web-1": { ...bare, metadata: rest } };
    expect(await lookUp({ answers: [], pods })).toMatchObject({
      drift: undefined,
      gaps: [],
      notes: ["drift is not shown for pods whose template cannot be read (Pod)"],
    });
  });
});
