import { describe, expect, test } from "vitest";
import type { Report } from "../../../src/report/document.ts";
import { planSize } from "../../../src/report/changes.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import { aged, assessmentOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, PLAIN_80, restartReport, verifyReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import { daemonSet, deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");

const late = assessmentOf(
  deployment("web", { pods: [sidecars(3, LATE)], template: { probed: false } }),
);
const lost = assessmentOf(
  statefulSet("ledger", { namespace: "pay", pods: [sidecars(3, TARGET)] }),
  { labels: { rev: "asm-1-26" } },
);
const alone = assessmentOf(
  otherWorkload("Pod", "job-runner", { pods: [sidecars(1, LATE, { podNames: ["job-runner"] })] }),
);
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

NEEDS YOU: 2 workloads
WOULD LOSE ITS SIDECAR (1)
  namespace pay has istio.io/rev=asm-1-26, which names no installed revision or
  tag
    pay/sts/ledger
    -> kubectl label namespace pay istio.io/rev=asm-1-27 --overwrite && istio-upgrade restart --namespace pay --allow-revision asm-1-27
BY HAND (1)
  no controller would replace the pod
    shop/pod/job-runner
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
    expect(table(checkReport())).toBe("No workload in scope has a sidecar, or would get one.\n");
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
    expect(table({ ...report, exitReasons: ["not-ready:1"] })).not.toContain(line);
  });

  test.each<[what: string, report: Report]>([
    ["outdated in check", checkReport({ assessments: [late], exitCode: 0 })],
    ["lost in check", checkReport({ assessments: [current, lost], exitCode: 0 })],
    ["by hand in check", checkReport({ assessments: [alone], exitCode: 0 })],
    ["outdated in verify", verifyReport({ assessments: [late], exitCode: 0 })],
    ["not ready in verify", verifyReport({ assessments: [unready], exitCode: 0 })],
    ["lost in restart", restartReport([someResult()], { assessments: [lost], exitCode: 0 })],
  ])("not that all is well if what is left does not count: %s", (_what, report) => {
    const last = table(report)
      .split("\n")
      .find((text) => /^\w.*\d pods?: /.test(text));
    expect(last).toMatch(/^\d+ workloads?, \d+ pods?: /);
  });
});

describe("workloads that need a person", () => {
  const section = (report: Report, title: string) => {
    const text = table(report);
    return text.slice(text.indexOf(title), text.indexOf("\n\n", text.indexOf(title)));
  };
  const needsYou = (...assessments: readonly Assessment[]) =>
    section(checkReport({ assessments, exitCode: 5 }), "NEEDS YOU");
  const pod = (name: string, place = "shop") =>
    assessmentOf(
      otherWorkload("Pod", name, {
        namespace: place,
        pods: [sidecars(1, LATE, { podNames: [name] })],
      }),
    );
  const lostIn = (name: string, place = "shop") =>
    assessmentOf(deployment(name, { namespace: place, pods: [sidecars(1, TARGET)] }), {
      labels: { rev: "asm-1-26" },
    });
  const single = (name: string, place = "shop") =>
    assessmentOf(statefulSet(name, { namespace: place, pods: [sidecars(1, LATE)] }));
  const missing = (name: string, pods: number, place = "shop") =>
    assessmentOf(deployment(name, { namespace: place, pods: [bare(pods)] }));

  test("come by the urgency of their verdicts, and a shared reason appears once", () => {
    expect(needsYou(missing("old", 1), pod("b"), lostIn("api"), pod("c"), lostIn("web")))
      .toBe(`NEEDS YOU: 5 workloads
WOULD LOSE ITS SIDECAR (2)
  namespace shop has istio.io/rev=asm-1-26, which names no installed revision or
  tag
    shop/deploy/api, shop/deploy/web
    -> kubectl label namespace shop istio.io/rev=asm-1-27 --overwrite && istio-upgrade restart --namespace shop --allow-revision asm-1-27
BY HAND (2)
  no controller would replace the pod
    shop/pod/b, shop/pod/c
    -> replace it from its manifest: kubectl replace --force -f FILE -n shop
NO SIDECAR YET (1)
  1 pod has no sidecar, and asm-1-27 would inject one
    shop/deploy/old
    -> istio-upgrade restart deployment/old --namespace shop --include missing`);
  });

  test("a reason that differs only in names appears once, with each next step", () => {
    expect(needsYou(lostIn("a", "pay"), lostIn("b"))).toBe(`NEEDS YOU: 2 workloads
WOULD LOSE ITS SIDECAR (2)
  namespace … has istio.io/rev=asm-1-26, which names no installed revision or
  tag
    pay/deploy/a, shop/deploy/b
    -> kubectl label namespace pay istio.io/rev=asm-1-27 --overwrite && istio-upgrade restart --namespace pay --allow-revision asm-1-27
    -> kubectl label namespace shop istio.io/rev=asm-1-27 --overwrite && istio-upgrade restart --namespace shop --allow-revision asm-1-27`);
  });

  test("a reason that differs only in numbers of pods appears once, with the total", () => {
    expect(needsYou(missing("a", 1), missing("b", 2), missing("c", 4))).toContain(
      "  7 pods have no sidecar, and asm-1-27 would inject one\n    shop/deploy/a, shop/deploy/b, shop/deploy/c\n",
    );
  });

  test("next steps that differ only in names of pods have one reason", () => {
    const set = (name: string) =>
      assessmentOf(
        otherWorkload("ReplicaSet", name, {
          pods: [sidecars(1, proxyImage("v1.27.7-1"), { podNames: [`${name}-1`] })],
        }),
      );
    expect(needsYou(set("cart"), set("list"))).toContain(
      `  a ReplicaSet without a Deployment has no rollout
    shop/replicaset/cart, shop/replicaset/list
    -> delete its pods one at a time, waiting for each new pod: kubectl delete pod cart-1 -n shop
    -> delete its pods one at a time, waiting for each new pod: kubectl delete pod list-1 -n shop`,
    );
  });

  test("restarts of one namespace with the same flags are one command", () => {
    expect(needsYou(single("a"), single("b"), single("c"), single("d", "pay"))).toBe(
      `NEEDS YOU: 4 workloads
BY HAND (4)
  a StatefulSet with one replica is down while its pod restarts
    shop/sts/a, shop/sts/b, shop/sts/c, pay/sts/d
    -> istio-upgrade restart statefulset/a statefulset/b statefulset/c --namespace shop --allow-downtime
    -> istio-upgrade restart statefulset/d --namespace pay --allow-downtime`,
    );
  });

  test("a reason of workloads of several kinds appears once", () => {
    const policy = { revisions: [] };
    const moved = [
      deployment("web", { pods: [sidecars(1, LATE, { revision: "asm-1-26" })] }),
      daemonSet("agent", { pods: [sidecars(3, LATE, { revision: "asm-1-26" })] }),
    ];
    const report = restartReport([], {
      assessments: moved.map((workload) => assessmentOf(workload, { policy })),
    });
    expect(section(report, "NOT RESTARTED")).toBe(`NOT RESTARTED: 2 workloads
BY HAND (2)
  a restart would move 4 pods from asm-1-26 to asm-1-27, and --allow-revision
  does not name asm-1-27
    shop/deploy/web, shop/ds/agent
    -> istio-upgrade restart deployment/web daemonset/agent --namespace shop --allow-revision asm-1-27`);
  });

  test("a workload without its sidecar shows the reason against a restart", () => {
    const paused = deployment("web", { pods: [bare(1)], rollout: { paused: true } });
    expect(needsYou(assessmentOf(paused))).toBe(`NEEDS YOU: 1 workload
BY HAND (1)
  the Deployment is paused: a restart would have no effect
    shop/deploy/web
    -> kubectl rollout resume deployment/web -n shop`);
  });

  test("have the same heading in verify, and another after a restart", () => {
    const options = { assessments: [pod("b")] };
    expect(table(verifyReport(options))).toContain("\nNEEDS YOU: 1 workload\nBY HAND (1)\n");
    expect(table(restartReport([], options))).toContain(
      "\nNOT RESTARTED: 1 workload\nBY HAND (1)\n",
    );
  });

  test("in Markdown, only commands are code", () => {
    const text = renderMarkdown(checkReport({ assessments: [pod("b"), lostIn("api")] }));
    expect(text).toContain("## Needs you: 2 workloads\n");
    expect(text).toContain(
      "replace it from its manifest: `kubectl replace --force -f FILE -n shop` ",
    );
    expect(text).toContain(
      "| `kubectl label namespace shop istio.io/rev=asm-1-27 --overwrite && istio-upgrade restart ",
    );
    expect(text.indexOf("Would lose its sidecar")).toBeLessThan(text.indexOf("| By hand"));
  });
});

describe("the time for which workloads have been outdated", () => {
  const DAY = 86_400;
  const web = aged(late, { atLeast: 8 * DAY, atMost: 30 * DAY + 1 });
  const worker = aged(assessmentOf(deployment("worker", { pods: [sidecars(1, LATE)] })), {
    atLeast: undefined,
    atMost: 3 * DAY,
  });
  const assessments = [current, web, worker];

  test("is a column, and the conclusion has that of the oldest", () => {
    const text = table(checkReport({ assessments, exitCode: 2 }));
    expect(text).toContain(`OUTDATED: 2 workloads, 4 pods
NAMESPACE   WORKLOAD        FROM        TO          PODS   CHANGE   FOR
shop        deploy/web      v1.27.7-1   v1.27.9-6   3      patch    >8d
shop        deploy/worker   v1.27.7-1   v1.27.9-6   1      patch    <3d
`);
    expect(text).toContain(`
3 workloads, 6 pods: 2 outdated, 1 current. The oldest has been outdated for at
least 8d.
`);
  });

  test("has both bounds with --output wide", () => {
    const text = table(checkReport({ assessments, exitCode: 2 }), true);
    expect(text).toMatch(/^shop +deploy\/web .* patch +>8d,<31d$/m);
    expect(text).toMatch(/^shop +deploy\/web +outdated .* 3\/3 +>8d,<31d$/m);
    expect(text).toMatch(/^shop +deploy\/api +current .* 2\/2 +-$/m);
  });

  test("is in the conclusion of a verification, and not of a restart", () => {
    expect(table(verifyReport({ assessments, exitCode: 2 }))).toContain("at\nleast 8d.");
    expect(table(restartReport([], { assessments }))).not.toContain("The oldest");
  });

  test("has no lower bound if none is known", () => {
    const text = table(checkReport({ assessments: [worker], exitCode: 2 }));
    expect(text).toContain("1 outdated. The oldest has been outdated for at most 3d.\n");
    const unknown = aged(late, { atLeast: undefined, atMost: undefined });
    const without = table(checkReport({ assessments: [unknown], exitCode: 2 }));
    expect(without).toMatch(/ patch +\?$/m);
    expect(without).not.toContain("The oldest");
  });

  describe("with --max-age 30d", () => {
    const byHand = aged(alone, { atLeast: 1, atMost: 60 });
    const old = aged(assessmentOf(deployment("old", { pods: [sidecars(1, LATE)] })), {
      atLeast: 31 * DAY,
      atMost: 60 * DAY,
    });
    const maxAge = 30 * DAY;
    const report = checkReport({ assessments: [web, byHand, old], exitCode: 2, maxAge });

    test("has a table for those that do not count, restarted by hand or not", () => {
      const text = table(report);
      expect(text).toContain(`OUTDATED: 1 workload, 1 pod
NAMESPACE   WORKLOAD     FROM        TO          PODS   CHANGE   FOR
shop        deploy/old   v1.27.7-1   v1.27.9-6   1      patch    >31d

WITHIN 30 DAYS: 2 workloads, 4 pods
NAMESPACE   WORKLOAD         FROM        TO          PODS   CHANGE   FOR
shop        deploy/web       v1.27.7-1   v1.27.9-6   3      patch    >8d
shop        pod/job-runner   v1.27.7-1   v1.27.9-6   1      patch    >1s
`);
      expect(text).not.toContain("NEEDS YOU");
    });

    test("does not say that nothing is left", () => {
      const text = table(checkReport({ assessments: [web], maxAge }));
      expect(text).toContain("\n1 workload, 3 pods: 1 outdated. The oldest");
      expect(text).not.toContain("Nothing is left");
    });

    test("has a section in the ticket", () => {
      const text = renderMarkdown(report);
      expect(text).toContain("## Outdated: 1 workload\n");
      expect(text).toContain("## Within 30 days: 2 workloads\n");
      expect(text).not.toContain("Needs you");
    });
  });

  test("is in the ticket", () => {
    const text = renderMarkdown(checkReport({ assessments, exitCode: 2 }));
    expect(text).toContain("| Change | For  |");
    expect(text).toContain("| patch  | \\>8d |");
    expect(text).toContain("6 pods; the oldest has been outdated for at least 8d |");
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
    expect(planSize(report.steps)).toBe(
      "2 workloads (6 pods; 1 workload to an older version; 1 workload from asm-1-28 to asm-1-27)",
    );
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

  test("only revisions that a workload in scope uses are targets, all with --output wide", () => {
    const [target] = CHECK.targets;
    if (target === undefined) throw new Error("no target");
    const report = { ...CHECK, targets: [target, { ...target, revision: "asm-1-28" }] };
    expect(table(report)).not.toContain("asm-1-28");
    expect(table(report, true)).toContain("\nasm-1-28   ");
  });

  test.each<[what: string, report: Report, wide: boolean, rows: string]>([
    ["check", CHECK, false, "shop   deploy/web   v1.27.7-1   v1.27.9-6   3   patch\n"],
    [
      "check with --output wide",
      checkReport({ assessments: [late], exitCode: 2 }),
      true,
      `shop   deploy/web   outdated   asm-1-27   ${LATE}   3/3\n`,
    ],
    ["a clean check", checkReport({ assessments: [current] }), false, ""],
    ["verify", VERIFY, false, "shop   deploy/slow   1/3\n"],
    ["the plan", DRY_RUN, false, "shop   deploy/web   v1.27.7-1   v1.27.9-6   3   patch\n"],
    [
      "restart",
      RESTART,
      false,
      `shop   deploy/web   v1.27.7-1   v1.27.9-6   3   patch   restarted
pay    sts/ledger   v1.27.7-1   v1.27.9-6   3   patch   failed
`,
    ],
  ])("--no-headers prints rows only: %s", (_what, report, wide, rows) => {
    const style = { ...PLAIN_80, width: undefined, headers: false };
    expect([...renderReport(report, style, wide)].join("")).toBe(rows);
  });
});

describe("a table that is too wide for the terminal", () => {
  const named = (name: string, image = LATE) =>
    assessmentOf(deployment(name, { namespace: "reporting", pods: [sidecars(2, image)] }));
  const LONG = "gateway-long-name-for-the-edge-of-the-mesh";
  const outdated = (...assessments: readonly Assessment[]) => {
    const text = table(checkReport({ assessments, exitCode: 2 }));
    return text.slice(text.indexOf("OUTDATED"), text.indexOf("\n\n", text.indexOf("OUTDATED")));
  };

  test("says a change that all rows share once, in the title", () => {
    expect(outdated(named("api"), named(LONG)))
      .toBe(`OUTDATED: 2 workloads, 4 pods, all v1.27.7-1 -> v1.27.9-6
NAMESPACE   WORKLOAD                                            PODS   CHANGE
reporting   deploy/api                                          2      patch
reporting   deploy/gateway-long-name-for-the-edge-of-the-mesh   2      patch`);
  });

  test("keeps the changes if they differ, and never cuts a name", () => {
    const lines = outdated(named("api", proxyImage("v1.27.8-1")), named(LONG)).split("\n");
    expect(lines[0]).toBe("OUTDATED: 2 workloads, 4 pods");
    expect(lines[3]).toBe(`reporting   deploy/${LONG}   v1.27.7-1   v1.27.9-6   2      patch`);
  });

  test("keeps all columns without a terminal, so that scripts find them", () => {
    const report = checkReport({ assessments: [named(LONG)], exitCode: 2 });
    const text = [...renderReport(report, { ...PLAIN_80, width: undefined }, false)].join("");
    expect(text).toContain(`deploy/${LONG}   v1.27.7-1   v1.27.9-6   2      patch\n`);
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
