import { expect, test } from "vitest";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { openProver } from "../../../src/commands/prover.ts";
import type { DryRun } from "../../../src/mesh/proof.ts";
import { type Answer, scriptedApi } from "../../support/build/scripted-api.ts";

const ALLOWED = { kind: "SelfSubjectAccessReview", status: { allowed: true } };
const DENIED = { kind: "SelfSubjectAccessReview", status: { allowed: false } };
const WEB = { kind: "Deployment", metadata: { name: "web", namespace: "shop" } };

function refusal(status: number, message: string): ApiError {
  return new ApiError(message, { status, reason: "" });
}

const ref = { namespace: "shop", kind: "Deployment", name: "web", uid: "1" };

async function prove(answers: readonly Answer[]): Promise<readonly [DryRun, readonly string[]]> {
  const prover = openProver(scriptedApi(answers), "always");
  return [await prover.prove(ref), prover.notes()];
}

test.each<[reason: string, answers: readonly Answer[]]>([
  ["you may not create pods", [DENIED, DENIED]],
  [
    'admission webhook "audit.example" does not support dry run',
    [ALLOWED, WEB, refusal(400, 'admission webhook "audit.example" does not support dry run')],
  ],
  [
    'pods "web" is forbidden: exceeded quota: q',
    [ALLOWED, WEB, refusal(403, 'pods "web" is forbidden: exceeded quota: q')],
  ],
])("what could not be proved is said, with the reason: %s", async (reason, answers) => {
  expect(await prove(answers)).toEqual([
    { kind: "unavailable", message: reason },
    [`not proved by a dry run in shop: ${reason}; what is said of them is predicted`],
  ]);
});

test("an answer leaves nothing to be said", async () => {
  const denial = 'admission webhook "x.sidecar-injector.istio.io" denied the request: no';
  expect(await prove([ALLOWED, WEB, refusal(400, denial)])).toEqual([
    { kind: "refused", message: denial },
    [],
  ]);
});

test("one reason is said once, with the first of its namespaces", async () => {
  const prover = openProver(scriptedApi(Array.from({ length: 9 }, () => DENIED)), "auto");
  for (const namespace of ["d", "b", "a", "c", "a"]) {
    await prover.prove({ namespace, kind: "Deployment", name: "web", uid: namespace });
  }
  expect(prover.notes()).toEqual([
    "not proved by a dry run in a, b, c and 1 more: you may not create pods; what is said of them is predicted",
  ]);
});

test.each<[what: string, answers: readonly Answer[], reasons: readonly string[]]>([
  ["that you may not have", [DENIED, DENIED], ["forbidden"]],
  ["of which it is not told whether you may", [refusal(500, "broken")], ["refused"]],
  ["that nobody answers", [ALLOWED, WEB, refusal(0, "reset")], ["unreachable"]],
  ["that a full quota keeps from you", [ALLOWED, WEB, refusal(403, "exceeded quota: q")], []],
  ["that a webhook does not know", [ALLOWED, WEB, refusal(400, "does not support dry run")], []],
])("demanded proof %s leaves these gaps: %s", async (_what, answers, reasons) => {
  const gaps = async (when: "always" | "auto") => {
    const prover = openProver(scriptedApi(answers), when);
    await prover.prove(ref);
    return prover.gaps();
  };
  expect((await gaps("always")).map(({ reason }) => reason)).toEqual(reasons);
  expect(await gaps("auto")).toEqual([]);
});

test("the gap of proof that you may not have says what to ask for", async () => {
  const prover = openProver(scriptedApi([DENIED, DENIED]), "always");
  await prover.prove(ref);
  expect(prover.gaps()).toEqual([
    {
      what: "create pods",
      namespace: "shop",
      reason: "forbidden",
      message: "you may not create pods",
      hint: "kubectl auth can-i create pods -n shop",
    },
  ]);
});

test("what is proved when it is tried again leaves no gap, and a namespace has one at most", async () => {
  const pod = { kind: "Pod", metadata: {}, spec: { containers: [] } };
  const prover = openProver(
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
