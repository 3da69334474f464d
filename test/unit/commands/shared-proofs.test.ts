import { describe, expect, test } from "vitest";
import { assessWorkload } from "../../../src/commands/assess-workload.ts";
import { createSharedProofs } from "../../../src/commands/shared-proofs.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { DryRun, Workload } from "../../../src/snapshot.ts";
import { meshOf } from "../../support/build/assessment.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const [OLD, NEW] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const [WEB, API, DB, ETL] = ["web", "api", "db", "etl"].map((name) => deployment(name));
const POD: DryRun = { kind: "pod", image: NEW, revision: "asm-1-27" };
const REFUSED: DryRun = { kind: "refused", message: "no label team" };

/** Answers the dry runs in turn, and counts them. */
function scripted(...answers: readonly (DryRun | Error)[]) {
  const asked: string[] = [];
  const proofs = createSharedProofs({
    prove: ({ name }) => {
      const answer = answers[asked.push(name) - 1] ?? POD;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  return { asked, ask: (key: string, workload = WEB) => proofs.prove(key, workload as Workload) };
}

describe("a shared dry run", () => {
  test("is one for each key", async () => {
    const { asked, ask } = scripted();
    const answers = await Promise.all([ask("a"), ask("a", API), ask("b", DB)]);
    expect(asked).toEqual(["web", "db"]);
    expect(answers.map(({ own }) => own)).toEqual([true, false, true]);
  });

  test("that is rejected says nothing about other workloads, which are asked for", async () => {
    const { asked, ask } = scripted(REFUSED);
    const answers = await Promise.all([ask("a"), ask("a", API), ask("a", DB)]);
    expect(asked).toEqual(["web", "api"]);
    expect(answers.map(({ dryRun }) => dryRun)).toEqual([REFUSED, POD, POD]);
  });

  test("is tried three times at most", async () => {
    const { asked, ask } = scripted(REFUSED, REFUSED, REFUSED);
    const answers = await Promise.all([ask("a"), ask("a", API), ask("a", DB), ask("a", ETL)]);
    expect(asked).toEqual(["web", "api", "db"]);
    expect(answers[3]).toMatchObject({
      own: false,
      dryRun: {
        kind: "unavailable",
        message: "a dry run of a similar pod is rejected: no label team",
      },
    });
  });

  test("that fails unexpectedly fails for its own workload alone", async () => {
    const { asked, ask } = scripted(new RangeError("deep"));
    const first = ask("a");
    await expect(first).rejects.toThrow("deep");
    expect(await ask("a", API)).toEqual({ dryRun: POD, own: true });
    expect(asked).toEqual(["web", "api"]);
  });
});

describe("the number of dry runs of a check", () => {
  const MIRRORED = NEW.replace("mcr.microsoft.com", "mirror.example.com");
  const LATE = NEW.replace("v1.27.9-6", "v1.27.8-1");

  /** Assesses 2,500 workloads in 10 namespaces, and returns the dry runs and the verdicts. */
  async function checkOf(running: string, given: string, isPlan = false) {
    let dryRuns = 0;
    const prove = () => {
      dryRuns += 1;
      const answer: DryRun = { kind: "pod", image: given, revision: "asm-1-27" };
      return Promise.resolve(answer);
    };
    const places = Array.from({ length: 10 }, (_, index) => `team-${index}`);
    const create = () => Promise.resolve({ kind: "unavailable" as const, message: "not asked" });
    const context = {
      mesh: meshOf(),
      namespaces: new Map(places.map((name) => [name, namespace(name, { rev: "asm-1-27" })])),
      gaps: [],
      options: { ...NO_CONSENT, excludes: () => undefined },
      prover: { when: "auto" as const, prove, create, notes: () => [], gaps: () => [] },
      proofs: createSharedProofs({ prove }),
      isPlan,
      proxyConfigs: () => Promise.resolve([]),
      ownTemplate: () => Promise.resolve(undefined),
      lastRefusal: () => Promise.resolve(undefined),
    };
    const workloads = places.flatMap((place) =>
      Array.from({ length: 250 }, (_, index) =>
        deployment(`web-${index}`, { namespace: place, pods: [sidecars(4, running)] }),
      ),
    );
    const assessed = await Promise.all(workloads.map((one) => assessWorkload(context, one)));
    const verdicts = new Set(
      assessed.map((found) => `${found?.verdict} ${found?.finding.code} ${found?.restart.answer}`),
    );
    return [dryRuns, ...verdicts];
  }

  test.each<[what: string, running: string, given: string, expected: readonly unknown[]]>([
    ["an ordinary lag: one", OLD, NEW, [1, "outdated image-differs yes"]],
    ["a mirror: one for each namespace", MIRRORED, MIRRORED, [10, "current on-target no"]],
    [
      "a ConfigMap that is not loaded: one more for each namespace",
      OLD,
      LATE,
      [11, "outdated config-not-loaded refused"],
    ],
  ])("%s", async (_what, running, given, expected) => {
    expect(await checkOf(running, given)).toEqual(expected);
  });

  test("for a plan: one for each namespace", async () => {
    expect(await checkOf(OLD, NEW, true)).toEqual([10, "outdated image-differs yes"]);
  });
});
