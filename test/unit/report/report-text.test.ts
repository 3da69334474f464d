import { describe, expect, test } from "vitest";
import type { Report } from "../../../src/report/document.ts";
import { planSize } from "../../../src/report/changes.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, PLAIN_80, restartReport, verifyReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import { deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");

const late = assessmentOf(
  deployment("web", { pods: [sidecars(3, LATE)], template: { probed: false } }),
);
const lost = assessmentOf(
  statefulSet("ledger", { namespace: "pay", pods: [sidecars(3, TARGET)] }),
  { labels: { rev: "asm-1-26" } },
);
const alone = assessmentOf(otherWorkload("Pod", "job-runner", { pods: [sidecars(1, LATE)] }));
const current = assessmentOf(deployment("api", { pods: [sidecars(2, TARGET)] }));
const unready = assessmentOf(deployment("slow", { pods: [sidecars(3, TARGET, { ready: 1 })] }));

const GAP = {
  verb: "list",
  resource: "pods",
  namespace: "vault",
  reason: "forbidden",
  message:
    'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "vault"',
  hint: "kubectl auth can-i list pods -n vault",
} as const;

const CHECK = checkReport({
  assessments: [lost, current, late, alone],
  gaps: [GAP],
  nextStep: "istio-upgrade restart --namespace shop",
  exitCode: 2,
});
const RESTART = restartReport(
  [
    someResult(),
    someResult({
      ref: { namespace: "pay", kind: "StatefulSet", name: "ledger", uid: "u" },
      outcome: "failed",
      code: "pod-failed",
      message:
        "the new pod ledger-2 is in ImagePullBackOff: Back-off pulling image; 2 old pods still serve",
      nextStep: "kubectl describe pod ledger-2 -n pay",
    }),
  ],
  { assessments: [current], exitCode: 3 },
);
const DRY_RUN = restartReport([someResult({ outcome: "skipped" })], {
  assessments: [late],
  dryRun: "client",
});
const VERIFY = verifyReport({ assessments: [current, unready], exitCode: 4 });

function table(report: Report, wide = false): string {
  return [...renderReport(report, PLAIN_80, wide)].join("");
}

const TARGETS = `TARGETS
REVISION   IMAGE                                              TAGS   READY
asm-1-27   mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6   -      yes
`;

describe("a person reads", () => {
  test("a check: targets, outdated workloads, workloads for a person, gaps and the next step", () => {
    expect(table(CHECK)).toBe(`${TARGETS}
OUTDATED: 1 workload, 3 pods
NAMESPACE   WORKLOAD     FROM        TO          PODS   CHANGE
shop        deploy/web   v1.27.7-1   v1.27.9-6   3      patch

NOT RESTARTED: 2 workloads
pay   sts/ledger   would-lose
    namespace pay has istio.io/rev=asm-1-26, which names no installed revision
    or tag
    -> kubectl label namespace pay istio.io/rev=asm-1-27 --overwrite
shop   pod/job-runner   outdated
    no controller would replace the pod
    -> replace it from its manifest: kubectl replace --force -f FILE -n shop

NOT READ: 1 gap, so this report is incomplete
list pods in vault: forbidden
    pods is forbidden: User "jane" cannot list resource "pods" in API group ""
    in the namespace "vault"
    -> kubectl auth can-i list pods -n vault

WARNINGS
a container without a readiness probe counts as ready at once
    shop/deploy/web

4 workloads, 9 pods: 1 would-lose, 2 outdated, 1 current.

NEXT
  istio-upgrade restart --namespace shop
`);
  });

  test("a restart: failures first, with message and next step", () => {
    expect(table(RESTART)).toBe(`${TARGETS}
NOT DONE: 1 workload
pay   sts/ledger   failed   pod-failed
    the new pod ledger-2 is in ImagePullBackOff: Back-off pulling image; 2 old
    pods still serve
    -> kubectl describe pod ledger-2 -n pay

RESTARTED: 1 of 2 workloads
NAMESPACE   WORKLOAD     FROM        TO          PODS   CHANGE
shop        deploy/web   v1.27.7-1   v1.27.9-6   3      patch

1 workload, 2 pods: 1 current.
`);
  });

  test("a dry run: the plan, with each workload once", () => {
    expect(table(DRY_RUN)).toBe(`${TARGETS}
PLAN: 1 workload to restart, in this order
NAMESPACE   WORKLOAD     FROM        TO          PODS   CHANGE
shop        deploy/web   v1.27.7-1   v1.27.9-6   3      patch
sha256:${"ab".repeat(32)}

WARNINGS
a container without a readiness probe counts as ready at once
    shop/deploy/web

1 workload, 3 pods: 1 outdated.
`);
  });

  test("a verification: workloads that are not ready", () => {
    expect(table(VERIFY)).toBe(`${TARGETS}
NOT READY: 1 workload
NAMESPACE   WORKLOAD      READY
shop        deploy/slow   1/3

2 workloads, 5 pods: 2 current.
`);
  });

  test("that an empty scope is empty, not that all is well", () => {
    expect(table(checkReport())).toBe(
      `${TARGETS}\nNo workload in scope has a sidecar, or would get one.\n`,
    );
  });

  test("that the plan of a dry run is empty", () => {
    const text = table(restartReport([], { assessments: [current], dryRun: "client" }));
    expect(text).toContain("\nThe plan is empty: 1 workload, 2 pods: 1 current.\n");
    expect(table(DRY_RUN)).not.toContain("The plan is empty");
  });

  test("no conclusion if nothing could be read", () => {
    const text = table(checkReport({ gaps: [GAP], exitCode: 6 }));
    expect(text).toContain("NOT READ: 1 gap, so this report is incomplete");
    expect(text).not.toContain("No workload in scope");
  });

  test.each<[kind: string, report: Report, line: string]>([
    [
      "check",
      checkReport({ assessments: [current] }),
      "Nothing is left to do: 1 workload, 2 pods: 1 current.",
    ],
    [
      "verify",
      verifyReport({ assessments: [current] }),
      "Verified, all on target and ready: 1 workload, 2 pods: 1 current.",
    ],
    [
      "restart",
      restartReport([someResult()], { assessments: [current] }),
      "Verified from a fresh read: 1 workload, 2 pods: 1 current.",
    ],
  ])("that all is well only if the exit code is 0: %s", (_kind, report, line) => {
    expect(table(report).trimEnd().split("\n").at(-1)).toBe(line);
    expect(table({ ...report, exitCode: 4 })).not.toContain(line);
  });
});

describe("a reason that several workloads share appears once, below the last of them,", () => {
  const notRestarted = (text: string) =>
    text.slice(text.indexOf("NOT RESTARTED"), text.indexOf("\n\n", text.indexOf("NOT RESTARTED")));
  const pod = (name: string, namespace = "shop") =>
    assessmentOf(otherWorkload("Pod", name, { namespace, pods: [sidecars(1, LATE)] }));
  const lostIn = (name: string) =>
    assessmentOf(deployment(name, { pods: [sidecars(1, TARGET)] }), {
      labels: { rev: "asm-1-26" },
    });

  test("if both the reason and the next step are the same", () => {
    // Reports are sorted by name, which puts another workload between the two.
    const assessments = [lostIn("api"), pod("b"), lostIn("web"), pod("c")];
    expect(notRestarted(table(checkReport({ assessments, exitCode: 5 }))))
      .toBe(`NOT RESTARTED: 4 workloads
shop   deploy/api   would-lose
shop   deploy/web   would-lose
    namespace shop has istio.io/rev=asm-1-26, which names no installed revision
    or tag
    -> kubectl label namespace shop istio.io/rev=asm-1-27 --overwrite
shop   pod/b   outdated
shop   pod/c   outdated
    no controller would replace the pod
    -> replace it from its manifest: kubectl replace --force -f FILE -n shop`);
  });

  test("but not if the next steps differ", () => {
    const assessments = [pod("a", "pay"), pod("b")];
    expect(notRestarted(table(checkReport({ assessments, exitCode: 5 }))))
      .toBe(`NOT RESTARTED: 2 workloads
pay   pod/a   outdated
    no controller would replace the pod
    -> replace it from its manifest: kubectl replace --force -f FILE -n pay
shop   pod/b   outdated
    no controller would replace the pod
    -> replace it from its manifest: kubectl replace --force -f FILE -n shop`);
  });

  test("and a workload without its sidecar shows the reason against a restart", () => {
    const assessments = [
      assessmentOf(deployment("web", { pods: [bare(1)], rollout: { paused: true } })),
    ];
    expect(notRestarted(table(checkReport({ assessments, exitCode: 5 }))))
      .toBe(`NOT RESTARTED: 1 workload
shop   deploy/web   missing
    the Deployment is paused: a restart would have no effect
    -> kubectl rollout resume deployment/web -n shop`);
  });
});

describe("a downgrade", () => {
  const NEWER = proxyImage("v1.28.3-2");
  const older = assessmentOf(
    deployment("cart", { pods: [sidecars(2, NEWER, { revision: "asm-1-28" })] }),
  );
  const toOlder = someResult({
    from: [{ image: NEWER, revision: "asm-1-28", pods: 3 }],
    outcome: "skipped",
  });
  const RED = { ...PLAIN_80, bad: (text: string) => `<red>${text}</red>` };

  test("is red in the table and named in the heading of a check", () => {
    const report = checkReport({ assessments: [older, late], exitCode: 2 });
    expect([...renderReport(report, RED, false)].join("")).toContain(
      `OUTDATED: 2 workloads, 5 pods <red>(1 to an older version)</red>
NAMESPACE   WORKLOAD      FROM        TO          PODS   CHANGE
shop        deploy/cart   v1.28.3-2   v1.27.9-6   2      <red>downgrade</red>
shop        deploy/web    v1.27.7-1   v1.27.9-6   3      patch
`,
    );
  });

  test("is red in the table and named in the heading of a plan", () => {
    const report = restartReport([toOlder, someResult({ outcome: "skipped" })], {
      assessments: [older, late],
      dryRun: "client",
    });
    expect([...renderReport(report, RED, false)].join("")).toContain(
      `PLAN: 2 workloads to restart, in this order <red>(1 to an older version)</red>
NAMESPACE   WORKLOAD     FROM        TO          PODS   CHANGE
shop        deploy/web   v1.28.3-2   v1.27.9-6   3      <red>downgrade</red>
shop        deploy/web   v1.27.7-1   v1.27.9-6   3      patch
`,
    );
  });

  test("is named in the ticket, and in the question with the number of pods", () => {
    const report = restartReport([toOlder, someResult({ outcome: "skipped" })], {
      assessments: [older, late],
      dryRun: "client",
    });
    expect(renderMarkdown(report)).toContain(
      "## Plan: 2 workloads, in this order (1 to an older version)\n",
    );
    expect(renderMarkdown(report)).toContain("| 3    | **downgrade** |\n");
    expect(planSize(report.steps)).toBe("2 workloads (6 pods; 1 to an older version)");
    expect(planSize(report.steps.slice(1))).toBe("1 workload (3 pods)");
  });

  test("counts more than any other change of the same workload", () => {
    const mixed = assessmentOf(
      deployment("cart", { pods: [sidecars(2, NEWER), sidecars(1, "example.com/own:v1")] }),
    );
    expect(table(checkReport({ assessments: [mixed], exitCode: 2 }))).toContain(
      "OUTDATED: 1 workload, 3 pods (1 to an older version)\n",
    );
  });
});

test("a restart from one revision to another with the same image shows the revisions", () => {
  const image = proxyImage("v1.27.9-6");
  const step = someResult({
    from: [{ image, revision: "asm-1-26", pods: 3 }],
    to: { image, revision: "asm-1-27" },
  });
  expect(table(restartReport([step]))).toContain(
    "shop        deploy/web   asm-1-26   asm-1-27   3      revision\n",
  );
  expect(renderMarkdown(restartReport([step]))).toContain(
    "| shop      | deploy/web | asm-1-26 | asm-1-27 | 3    | revision |",
  );
});

describe("details", () => {
  test("a workload has a row for each outdated group of pods", () => {
    const mixed = assessmentOf(
      deployment("web", {
        pods: [
          sidecars(1, TARGET),
          sidecars(2, LATE),
          sidecars(3, TARGET, { revision: "asm-1-26" }),
        ],
      }),
    );
    expect(table(checkReport({ assessments: [mixed], exitCode: 2 }))).toContain(
      `OUTDATED: 1 workload, 5 pods
NAMESPACE   WORKLOAD     FROM        TO          PODS   CHANGE
shop        deploy/web   v1.27.7-1   v1.27.9-6   2      patch
shop        deploy/web   asm-1-26    asm-1-27    3      revision
`,
    );
  });

  test("a warning about many workloads names three and counts the others", () => {
    const assessments = ["a", "b", "c", "d", "e"].map((name) =>
      assessmentOf(deployment(name, { pods: [sidecars(1, LATE)], template: { probed: false } })),
    );
    expect(table(checkReport({ assessments, exitCode: 2 }))).toContain(
      "    shop/deploy/a, shop/deploy/b, shop/deploy/c and 2 more\n",
    );
  });

  test("--output wide shows whole images and lists every workload with its revision", () => {
    const wide = [...renderReport(CHECK, { ...PLAIN_80, width: undefined }, true)].join("");
    expect(wide).toContain(`shop        deploy/web   ${LATE}   ${TARGET}   3      patch\n`);
    expect(wide).toContain(
      `shop        deploy/api       current      asm-1-27   ${TARGET}   2/2\n`,
    );
    expect(table(CHECK)).not.toContain("WORKLOADS");
  });

  test("--no-headers removes all column headers", () => {
    const text = [...renderReport(CHECK, { ...PLAIN_80, headers: false }, false)].join("");
    expect(text).not.toMatch(/REVISION|WORKLOAD /);
    expect(text).toContain("asm-1-27   mcr.microsoft.com/");
  });
});

test("text from the cluster cannot control the terminal or begin a line", () => {
  const [entry] = CHECK.workloads;
  if (entry === undefined) throw new Error("no workload");
  const nasty = "\u001b[2J\nRESULT exit=0\u202e";
  const report: Report = {
    ...CHECK,
    workloads: [{ ...entry, name: nasty, namespace: nasty, reason: nasty, nextStep: nasty }],
    gaps: [
      { what: "list pods", namespace: "vault", reason: "forbidden", message: nasty, hint: nasty },
    ],
    notes: [nasty],
    nextStep: nasty,
  };
  for (const wide of [false, true]) {
    const text = [...renderReport(report, PLAIN_80, wide)].join("");
    expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect(text).not.toMatch(/^RESULT exit=0$/m);
  }
});

describe("no line is longer than 80 columns, except commands", () => {
  test.each<[what: string, report: Report]>([
    ["check", CHECK],
    ["restart", RESTART],
    ["dry run", DRY_RUN],
    ["verify", VERIFY],
    ["clean verify", verifyReport({ assessments: [current] })],
    ["empty", checkReport()],
  ])("%s", (_what, report) => {
    for (const wide of [false, true]) {
      const long = table(report, wide)
        .split("\n")
        .filter((line) => line.length > 80 && !line.startsWith("    ->"));
      expect(long).toEqual([]);
    }
  });
});
