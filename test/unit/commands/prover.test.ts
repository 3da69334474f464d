import { expect, test } from "vitest";
import { ApiError } from "../../../src/http/api-error.ts";
import { createProver } from "../../../src/commands/prover.ts";
import type { DryRun } from "../../../src/snapshot.ts";
import { sidecars } from "../../support/build/pod-group.ts";
import { type Answer, respondingApi, scriptedApi } from "../../support/build/scripted-api.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";

const ALLOWED = { kind: "SelfSubjectAccessReview", status: { allowed: true } };
const DENIED = { kind: "SelfSubjectAccessReview", status: { allowed: false } };
const WEB = {
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop" },
  spec: { template: { metadata: { labels: { app: "web" } }, spec: { containers: [] } } },
};

function refusal(status: number, message: string): ApiError {
  return new ApiError(message, { status, reason: "" });
}

const ref = { namespace: "shop", kind: "Deployment", name: "web", uid: "1", pods: [] };

async function prove(answers: readonly Answer[]): Promise<readonly [DryRun, readonly string[]]> {
  const prover = createProver(scriptedApi(answers), "always");
  return [await prover.prove(ref), prover.notes()];
}

test.each<[reason: string, answers: readonly Answer[]]>([
  ["you may not create pods", [DENIED, DENIED]],
  [
    'admission webhook "audit.example" does not support dry run',
    [ALLOWED, WEB, refusal(400, 'admission webhook "audit.example" does not support dry run')],
  ],
  [
    "pods: exceeded quota: q",
    [ALLOWED, WEB, refusal(403, 'pods "web" is forbidden: exceeded quota: q')],
  ],
])("a missing proof is noted with the reason: %s", async (reason, answers) => {
  expect(await prove(answers)).toEqual([
    { kind: "unavailable", message: reason },
    [`not proved by a dry run in shop: ${reason}; these verdicts are predicted`],
  ]);
});

test("an answer needs no note", async () => {
  const denial = 'admission webhook "x.sidecar-injector.istio.io" denied the request: no';
  expect(await prove([ALLOWED, WEB, refusal(400, denial)])).toEqual([
    { kind: "refused", message: denial },
    [],
  ]);
});

test("a reason is noted once, with the first of its namespaces", async () => {
  const prover = createProver(scriptedApi(Array.from({ length: 9 }, () => DENIED)), "auto");
  for (const namespace of ["d", "b", "a", "c", "a"]) {
    await prover.prove({ namespace, kind: "Deployment", name: "web", uid: namespace, pods: [] });
  }
  expect(prover.notes()).toEqual([
    "not proved by a dry run in a, b, c and 1 more: you may not create pods; these verdicts are predicted",
  ]);
});

test("a missing permission is one reason, regardless of the object that could not be read", async () => {
  const denied = (name: string) =>
    refusal(403, `deployments.apps "${name}" is forbidden: User "j" cannot get resource "x"`);
  const prover = createProver(scriptedApi([ALLOWED, denied("a"), denied("b")]), "always");
  for (const name of ["a", "b"]) {
    await prover.prove({ namespace: "shop", kind: "Deployment", name, uid: name, pods: [] });
  }
  expect(prover.notes()).toEqual([
    'not proved by a dry run in shop: deployments.apps: User "j" cannot get resource "x"; these verdicts are predicted',
  ]);
});

const POD = { kind: "Pod", metadata: { name: "made" }, spec: { containers: [] } };

test("the pod that is asked about is what the controller would create, once for all of its pods", async () => {
  const api = scriptedApi([ALLOWED, WEB, POD]);
  const pods = [sidecars(9, "proxyv2:1")];
  await createProver(api, "always").prove({ ...ref, uid: "u", pods });
  expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "GET /apis/apps/v1/namespaces/shop/deployments/web",
    "POST /api/v1/namespaces/shop/pods",
  ]);
  expect(api.requests[2]?.body).toMatchObject({
    metadata: {
      labels: { app: "web", "pod-template-hash": "0000000000" },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: "web-0000000000",
          uid: "u",
          controller: true,
        },
      ],
    },
  });
});

test("of a kind without a template that is read, one of its pods is asked about", async () => {
  const live = { ...POD, metadata: { name: "import-x", labels: { "job-name": "import" } } };
  const api = scriptedApi([ALLOWED, { kind: "PodList", items: [live] }, POD]);
  const pods = [sidecars(2, "proxyv2:1", { podNames: ["import-x", "import-y"] })];
  const job = { namespace: "shop", kind: "Job", name: "import", uid: "u", pods };
  expect(await createProver(api, "always").prove(job)).toMatchObject({ kind: "pod" });
  expect(api.requests[1]?.query).toMatchObject({ fieldSelector: "metadata.name=import-x" });
  expect(api.requests[2]?.body).toMatchObject({ metadata: { labels: { "job-name": "import" } } });
});

test.each([
  ["Node", [sidecars(1, "proxyv2:1")], "the kubelet manages static pods"],
  ["Job", [], "a Job without pods has no template to try"],
])("of a %s with pods %j nothing is asked", async (kind, pods, message) => {
  const prover = createProver(scriptedApi([ALLOWED]), "always");
  const answer = await prover.prove({ namespace: "shop", kind, name: "x", uid: "u", pods });
  expect(answer).toEqual({ kind: "unavailable", message });
});

test("no more than eight dry runs are under way at a time", async () => {
  let [now, most] = [0, 0];
  const api = respondingApi(async ({ path }) => {
    if (path.includes("selfsubjectaccessreviews")) return ALLOWED;
    most = Math.max(most, (now += 1));
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return path.endsWith("/pods") ? POD : WEB;
  });
  const prover = createProver(api, "always");
  const names = Array.from({ length: 40 }, (_, index) => `web-${index}`);
  const answers = await Promise.all(
    names.map((name) =>
      prover.prove({ namespace: "shop", kind: "Deployment", name, uid: name, pods: [] }),
    ),
  );
  expect([answers.length, most]).toEqual([40, 8]);
});

test.each<[what: string, answers: readonly Answer[], reasons: readonly string[]]>([
  ["without the permission", [DENIED, DENIED], ["forbidden"]],
  ["without an answer about the permission", [refusal(500, "broken")], ["refused"]],
  ["that nobody answers", [ALLOWED, WEB, refusal(0, "reset")], ["unreachable"]],
  ["that a full quota keeps from you", [ALLOWED, WEB, refusal(403, "exceeded quota: q")], []],
  ["that a webhook does not know", [ALLOWED, WEB, refusal(400, "does not support dry run")], []],
])("demanded proof %s leaves these gaps: %s", async (_what, answers, reasons) => {
  const gaps = async (when: "always" | "auto") => {
    const prover = createProver(scriptedApi(answers), when);
    await prover.prove(ref);
    return prover.gaps();
  };
  expect((await gaps("always")).map(({ reason }) => reason)).toEqual(reasons);
  expect(await gaps("auto")).toEqual([]);
});

test("the gap of a forbidden proof names the missing permission", async () => {
  const prover = createProver(scriptedApi([DENIED, DENIED]), "always");
  await prover.prove(ref);
  expect(withPrintedSteps(prover.gaps())).toEqual([
    {
      verb: "create",
      resource: "pods",
      namespace: "shop",
      reason: "forbidden",
      message: "you may not create pods",
      hint: "kubectl auth can-i create pods -n shop",
    },
  ]);
});

test("a proof at the second try leaves no gap, and a namespace has at most one gap", async () => {
  const pod = { kind: "Pod", metadata: {}, spec: { containers: [] } };
  const prover = createProver(
    scriptedApi([refusal(500, "broken"), refusal(500, "broken"), ALLOWED, WEB, pod, WEB, pod]),
    "always",
  );
  const other = { ...ref, uid: "2" };
  await prover.prove(ref);
  await prover.prove(other);
  expect(prover.gaps()).toHaveLength(1);
  await prover.prove(ref);
  expect(prover.gaps()).toMatchObject([{ reason: "refused", namespace: "shop" }]);
  await prover.prove(other);
  expect(prover.gaps()).toEqual([]);
});
