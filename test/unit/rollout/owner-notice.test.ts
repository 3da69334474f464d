import { describe, expect, test } from "vitest";
import { exitCodeOf } from "../../../src/exit-codes.ts";
import { EXCLUDE } from "../../../src/istio-labels.ts";
import { type Assessment, NOT_NEEDED } from "../../../src/mesh/assessment.ts";
import { VERDICTS } from "../../../src/mesh/verdict.ts";
import { workloadEntry } from "../../../src/report/entries.ts";
import { verdictReasons } from "../../../src/report/exit-reasons.ts";
import { noticeToOwner } from "../../../src/rollout/owner-notice.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment, otherWorkload, type WorkloadOptions } from "../../support/build/workload.ts";

const OLD = proxyImage("v1.27.7-1");
const outdated = [sidecars(3, OLD)];

interface Row {
  readonly rule: string;
  readonly assessment: Assessment;
  readonly expected: string | undefined;
  readonly message?: string;
  readonly step?: string;
}

const web = (options: Parameters<typeof deployment>[1]) => deployment("web", options);
const recreate = { rollout: { strategy: "Recreate" } } as const;

const ROWS: readonly Row[] = [
  {
    rule: "nothing about a workload that a restart fixes",
    assessment: assessmentOf(web({ pods: outdated })),
    expected: undefined,
  },
  {
    rule: "nothing about a workload on target",
    assessment: assessmentOf(web({ pods: [sidecars(3, proxyImage("v1.27.9-6"))] })),
    expected: undefined,
  },
  {
    rule: "an outdated workload that this run does not restart",
    assessment: assessmentOf(web({ pods: outdated, ...recreate })),
    expected: "Warning SidecarOutdated",
    message:
      "The sidecars of this Deployment are outdated: 3 pods would get mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6 from",
    step: "istio-upgrade restart deployment/web --namespace shop --allow-downtime",
  },
  {
    rule: "a pod without a controller",
    assessment: assessmentOf(otherWorkload("Pod", "bare", { pods: [sidecars(1, OLD)] })),
    expected: "Warning SidecarOutdated",
    message: "The sidecar of this Pod is outdated: ",
  },
  {
    rule: "a workload that would lose its sidecar",
    assessment: assessmentOf(web({ pods: outdated }), { labels: {} }),
    expected: "Warning SidecarWouldBeLost",
    message: "New pods of this Deployment would have no sidecar: neither namespace shop nor",
  },
  {
    rule: "a workload whose new pods would be rejected",
    assessment: assessmentOf(web({ pods: outdated }), {
      answers: { dryRun: { kind: "refused", message: "denied by policy" } },
    }),
    expected: "Warning SidecarBlocked",
    message: "New pods of this Deployment could not run: ",
  },
  {
    rule: "a workload without a sidecar",
    assessment: assessmentOf(web({ pods: [bare(2)] })),
    expected: "Warning SidecarMissing",
    message: "This Deployment lacks sidecars: 2 pods have no sidecar",
    step: "istio-upgrade restart deployment/web --namespace shop --include missing",
  },
  {
    rule: "an outdated workload that its owner excluded",
    assessment: assessmentOf(web({ pods: outdated, annotations: { [EXCLUDE]: "true" } })),
    expected: "Normal SidecarOutdated",
    message: `istio-upgrade does not restart this Deployment, which is excluded by its annotation ${EXCLUDE}: its sidecars run proxyv2:v1.27.7-1 (asm-1-27), injection gives v1.27.9-6 (asm-1-27).`,
    step: "",
  },
  {
    rule: "nothing about an excluded workload on target",
    assessment: assessmentOf(
      web({ pods: [sidecars(1, proxyImage("v1.27.9-6"))], annotations: { [EXCLUDE]: "true" } }),
    ),
    expected: undefined,
  },
  {
    rule: "a pinned sidecar",
    assessment: assessmentOf(
      web({
        pods: outdated,
        template: { annotations: { "sidecar.istio.io/proxyImage": OLD } },
      } satisfies WorkloadOptions),
    ),
    expected: "Normal SidecarPinned",
    message: `The pod template's annotation sidecar.istio.io/proxyImage pins ${OLD}; asm-1-27 gives`,
    step: "remove the pod template's annotation sidecar.istio.io/proxyImage to follow the revision",
  },
];

describe("the owner of a workload hears of", () => {
  test.each(ROWS)("$rule", ({ assessment, expected, message, step }) => {
    const notice = noticeToOwner(assessment, false);
    expect(notice && `${notice.type} ${notice.reason}`).toBe(expected);
    if (notice === undefined) return;
    expect(notice).toMatchObject({ action: "Inspect", workload: { namespace: "shop" } });
    expect(notice.message).toContain(message);
    expect(formatStep(notice.nextStep)).toBe(step ?? formatStep(notice.nextStep));
  });

  test("the rule against the restart, once", () => {
    const { message = "" } =
      noticeToOwner(assessmentOf(web({ pods: outdated, ...recreate })), false) ?? {};
    expect(message.match(/istio-upgrade does not restart it: .*Recreate/g)).toHaveLength(1);
    const finding = { code: "gateway", reason: "istiod renders it", nextStep: "" } as const;
    const gateway: Assessment = {
      ...assessmentOf(web({ pods: outdated })),
      finding,
      restart: { answer: "by-hand", finding },
    };
    expect(noticeToOwner(gateway, false)?.message).toBe(
      "The sidecars of this Deployment are outdated: istiod renders it.",
    );
  });

  test("nothing about a workload that the run gives a sidecar", () => {
    const missing = assessmentOf(web({ pods: [bare(2)] }), { policy: { missing: true } });
    expect(missing.restart.answer).toBe("yes");
    expect(noticeToOwner(missing, true)).toBeUndefined();
    expect(noticeToOwner(missing, false)).toMatchObject({ reason: "SidecarMissing" });
  });

  test("what leads to exit code 5, and of nothing else that warns", () => {
    const base = assessmentOf(web({ pods: outdated }));
    const finding = { code: "some-code", reason: "some reason", nextStep: "" };
    const restarts = [
      { answer: "yes" },
      { answer: "by-hand", finding },
      { answer: "refused", finding },
      NOT_NEEDED,
    ] as const;
    for (const verdict of VERDICTS) {
      for (const restart of restarts) {
        const one: Assessment = { ...base, verdict, finding, restart };
        const entry = workloadEntry(one, formatStep);
        const isForPerson = exitCodeOf(verdictReasons([entry], 0, false)) === 5;
        const isWarned = noticeToOwner(one, false)?.type === "Warning";
        expect([verdict, restart.answer, isWarned]).toEqual([verdict, restart.answer, isForPerson]);
      }
    }
  });
});
