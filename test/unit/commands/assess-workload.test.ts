import { describe, expect, test } from "vitest";
import { type AssessmentContext, assessWorkload } from "../../../src/commands/assess-workload.ts";
import { CannotRun } from "../../../src/errors.ts";
import { createSharedProofs } from "../../../src/commands/shared-proofs.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { DryRun, Gap, Workload } from "../../../src/snapshot.ts";
import { meshOf } from "../../support/build/assessment.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment, podTemplate } from "../../support/build/workload.ts";

const OLD = proxyImage("v1.27.7-1");
const WEB = deployment("web", { pods: [sidecars(1, OLD)] });
const CURRENT = deployment("web", { pods: [sidecars(1, proxyImage("v1.27.9-6"))] });
const TWO_TEMPLATES = deployment("web", {
  pods: [sidecars(1, OLD)],
  template: { annotations: { "inject.istio.io/templates": "sidecar,gateway" } },
});
const EXCLUDED = deployment("web", {
  pods: [sidecars(1, OLD)],
  annotations: { "istio-upgrade/exclude": "true" },
});
const WITHOUT_PODS = deployment("web", { rollout: { replicas: 2 } });
const PROVED: DryRun = {
  kind: "pod",
  image: proxyImage("v1.27.9-6"),
  revision: "asm-1-27",
};
const UNREAD_RULES: Gap = {
  verb: "list",
  resource: "services",
  namespace: "aks-istio-system",
  reason: "forbidden",
  message: "forbidden",
  hint: "",
  about: "injection",
};

interface ContextChange extends Partial<Omit<AssessmentContext, "prover">> {
  readonly prover?: Partial<AssessmentContext["prover"]>;
}

async function assessed(workload: Workload, change: ContextChange) {
  const calls: string[] = [];
  const when = change.prover?.when ?? "auto";
  const prove =
    change.prover?.prove ??
    (() => {
      calls.push("proof");
      return Promise.resolve(PROVED);
    });
  const context: AssessmentContext = {
    mesh: meshOf(),
    namespaces: new Map([["shop", namespace("shop", { rev: "asm-1-27" })]]),
    gaps: [],
    options: { ...NO_CONSENT, excludes: () => undefined },
    proofs: createSharedProofs({ prove }),
    proxyConfigs: () => Promise.resolve([]),
    ownTemplate: () => {
      calls.push("template");
      return Promise.resolve(undefined);
    },
    lastRefusal: () => {
      calls.push("refusal");
      return Promise.resolve("exceeded quota");
    },
    ...change,
    prover: {
      when,
      prove,
      create: () => Promise.resolve({ kind: "unavailable", message: "not asked" }),
      notes: () => [],
      gaps: () => [],
    },
  };
  return { assessment: await assessWorkload(context, workload), calls };
}

function proving(when: "auto" | "always" | "never") {
  return { prover: { when } };
}

test.each<[what: string, Workload, ContextChange, calls: readonly string[]]>([
  ["a clear prediction", CURRENT, proving("auto"), []],
  ["a target that it lags behind", WEB, proving("auto"), ["proof"]],
  ["a target that it lags behind, with --prove=never", WEB, proving("never"), []],
  ["templates that may collide", TWO_TEMPLATES, proving("auto"), ["proof"]],
  ["rules that are not all read", WEB, { ...proving("auto"), gaps: [UNREAD_RULES] }, ["proof"]],
  ["a caller that requires it", WEB, { ...proving("auto"), isProofNeeded: () => true }, ["proof"]],
  ["--prove=always", WEB, proving("always"), ["proof"]],
  ["--prove=always and an excluded workload", EXCLUDED, proving("always"), []],
  ["--prove=never", TWO_TEMPLATES, proving("never"), []],
  ["an unread namespace", WEB, { ...proving("always"), namespaces: new Map() }, []],
])("asks for a dry run only if necessary: %s", async (_what, workload, change, expected) => {
  const { assessment, calls } = await assessed(workload, change);
  expect(calls).toEqual(expected);
  expect(assessment?.proved).toBe(expected.includes("proof"));
});

test("looks up why a workload has no pods, and blocks it", async () => {
  const { assessment, calls } = await assessed(WITHOUT_PODS, proving("never"));
  expect(calls).toEqual(["refusal"]);
  expect(assessment).toMatchObject({ verdict: "blocked" });
});

describe("a workload whose template is not listed", () => {
  const UNLABELLED = { namespaces: new Map([["shop", namespace("shop", {})]]) };
  const JOB: Workload = { ...WEB, kind: "Job", name: "load", rollout: undefined };
  const STATUS = { "sidecar.istio.io/status": "{}" };
  const byHand = podTemplate({ annotations: STATUS, proxy: { image: OLD } });
  const ownTemplate = () => Promise.resolve(byHand);

  test.each(["Job", "CronJob", "ReplicaSet", "ReplicationController"])(
    "keeps a sidecar that is part of its template: %s",
    async (kind) => {
      const prove = () =>
        Promise.resolve<DryRun>({ kind: "pod", image: OLD, revision: "asm-1-27" });
      const { assessment } = await assessed(
        { ...JOB, kind },
        { ...UNLABELLED, ownTemplate, prover: { when: "auto", prove } },
      );
      expect(assessment).toMatchObject({ verdict: "pinned", target: { image: OLD } });
    },
  );

  test("is unknown without a dry run if its template has the sidecar", async () => {
    const { assessment } = await assessed(JOB, { ...UNLABELLED, ownTemplate, ...proving("never") });
    expect(assessment).toMatchObject({
      verdict: "unknown",
      finding: { code: "injected-by-hand" },
    });
  });

  test.each<[verdict: string, ContextChange]>([
    ["would-lose", UNLABELLED],
    ["outdated", {}],
  ])("is %s if its template has no sidecar", async (verdict, change) => {
    const { assessment } = await assessed(JOB, {
      ...change,
      ...proving("auto"),
      ownTemplate: () => Promise.resolve(podTemplate()),
    });
    expect(assessment?.verdict).toBe(verdict);
  });

  test("lags behind nothing if a webhook keeps the sidecar of its template", async () => {
    const prove = () => Promise.resolve<DryRun>({ kind: "pod", image: OLD, revision: "asm-1-27" });
    const { assessment } = await assessed(JOB, { ownTemplate, prover: { when: "auto", prove } });
    expect(assessment).toMatchObject({
      verdict: "pinned",
      finding: { code: "pinned-by-kube-inject" },
    });
  });

  test.each<[what: string, Workload, ContextChange]>([
    ["the template of a Deployment is listed", WEB, UNLABELLED],
    ["a bare pod has no template", { ...JOB, kind: "Pod" }, UNLABELLED],
    ["a Job on target", { ...JOB, pods: CURRENT.pods }, {}],
  ])("its template is read only if necessary: %s", async (_what, workload, change) => {
    const { calls } = await assessed(workload, { ...change, ...proving("never") });
    expect(calls).toEqual([]);
  });
});

/** A mesh that no rule can use. */
const BROKEN_MESH = { injectors: [null] } as never;

describe("an unexpected error", () => {
  const surprise = new RangeError("Maximum call stack size exceeded");
  const failing = { when: "always", prove: () => Promise.reject(surprise) } as const;

  test.each<[what: string, Workload, ContextChange]>([
    ["in a dry run", WEB, { prover: failing }],
    ["in the rules", WEB, { ...proving("never"), mesh: BROKEN_MESH }],
    [
      "in a lookup",
      WITHOUT_PODS,
      { ...proving("never"), lastRefusal: () => Promise.reject(surprise) },
    ],
  ])("%s makes the workload unknown", async (_what, workload, change) => {
    const errors: unknown[] = [];
    const onUnexpected = (error: unknown) => void errors.push(error);
    const { assessment } = await assessed(workload, { ...change, onUnexpected });
    expect(assessment).toMatchObject({
      verdict: "unknown",
      finding: { code: "unexpected-error", reason: expect.stringContaining("unexpected error") },
      restart: { answer: "no" },
    });
    expect(errors).toHaveLength(1);
  });

  test("leaves an excluded workload excluded", async () => {
    const { assessment } = await assessed(EXCLUDED, { ...proving("never"), mesh: BROKEN_MESH });
    expect(assessment).toMatchObject({ verdict: "excluded" });
  });

  test("that the user can fix ends the command", async () => {
    const prove = () => Promise.reject(new CannotRun("the login has expired", ""));
    await expect(assessed(WEB, { prover: { when: "always", prove } })).rejects.toThrow("login");
  });
});
