import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { namespaceStatuses } from "../../../src/mesh/upgrade-namespaces.ts";
import type { Surroundings } from "../../../src/mesh/upgrade-preflight.ts";
import { planUpgrade } from "../../../src/mesh/upgrade-steps.ts";
import type { StatusReport } from "../../../src/report/document.ts";
import { workloadEntry } from "../../../src/report/entries.ts";
import { renderJunit } from "../../../src/report/junit.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { statusDocument } from "../../../src/report/status-document.ts";
import { renderText } from "../../../src/report/text.ts";
import type { Gap } from "../../../src/snapshot.ts";
import { namespace } from "../../support/build/namespace.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { sidecars } from "../../support/build/pod-group.ts";
import { HEAD, PLAIN, PLAIN_80 } from "../../support/build/report.ts";
import {
  NEW,
  NEW_IMAGE,
  OLD,
  OLD_IMAGE,
  upgradeIn,
  type UpgradeWorld,
} from "../../support/build/upgrade.ts";
import { daemonSet, deployment, otherWorkload, statefulSet } from "../../support/build/workload.ts";
import { parseReport } from "../../support/report-schema.ts";

const AZURE = { resourceGroup: "rg", name: "aks" };
const onOld = (pods = 2) => sidecars(pods, OLD_IMAGE);
const onNew = (pods = 2) => sidecars(pods, NEW_IMAGE, { revision: "asm-1-28" });
const SURROUNDINGS: Surroundings = {
  nodes: { kind: "read", value: [{ name: "node-1", version: "v1.32.4" }] },
  envoyFilters: {
    kind: "read",
    value: [{ namespace: "shop", name: "lua", proxyVersions: ["^1\\.27.*"] }],
  },
};

function report(world: UpgradeWorld, surroundings?: Surroundings): StatusReport {
  const upgrade = upgradeIn(world);
  const plan = planUpgrade(upgrade, { azure: AZURE, surroundings });
  const document = statusDocument(
    HEAD,
    {
      upgrade,
      plan,
      namespaces: namespaceStatuses(upgrade, plan),
      entries: upgrade.assessments.map((assessment) => workloadEntry(assessment, formatStep)),
      grouping: { groupBy: undefined, labelColumns: [] },
      notes: [],
    },
    formatStep,
  );
  parseReport("StatusReport", JSON.stringify(document));
  return document;
}

const MOVING: UpgradeWorld = {
  plane: {
    revisions: [OLD, NEW],
    tags: { "prod-stable": "asm-1-27", "prod-canary": "asm-1-28" },
    configMaps: {
      "istio-shared-configmap-asm-1-27": { mesh: "accessLogFile: /dev/stdout" },
      "istio-shared-configmap-asm-1-28": { mesh: "accessLogFile: /dev/stdout" },
    },
  },
  places: [
    namespace("shop", { rev: "prod-canary" }),
    namespace("pay", { rev: "asm-1-27" }),
    namespace("vault", { rev: "prod-stable" }),
    namespace("web", { rev: "asm-1-28" }),
  ],
  workloads: [
    deployment("cart", { pods: [onNew(3)] }),
    deployment("api", { namespace: "pay", pods: [onOld(4)] }),
    statefulSet("vault", { namespace: "vault", pods: [onOld(3)] }),
    deployment("front", { namespace: "web", pods: [onOld(1), onNew(1)] }),
    otherWorkload("Pod", "tool", {
      namespace: "web",
      pods: [sidecars(1, OLD_IMAGE, { podNames: ["tool"] })],
    }),
  ],
  to: "asm-1-28",
};

const { to: _to, ...UNDIRECTED } = MOVING;

const PLANNING: UpgradeWorld = {
  plane: {
    revisions: [OLD],
    configMaps: { "istio-shared-configmap-asm-1-27": { mesh: "accessLogFile: /dev/stdout" } },
  },
  places: [namespace("shop", { rev: "asm-1-27" })],
  workloads: [deployment("cart", { pods: [onOld(3)] }), daemonSet("agent", { pods: [onOld(3)] })],
  to: "asm-1-29",
};

const lines = (document: StatusReport, wide = false) =>
  [...renderText(document, PLAIN_80, wide)].join("");

describe("the screen", () => {
  test.each([
    ["asm-1-29", PLANNING],
    ["asm-1-28", MOVING],
  ])("to %s in the documentation is the printed one", (to, world) => {
    const page = readFileSync(new URL("../../../docs/minor-upgrade.md", import.meta.url), "utf8");
    const screen = lines(report(world, SURROUNDINGS));
    expect(page).toContain(`$ istio-upgrade status --to ${to}\n${screen}\`\`\``);
  });

  test("in the middle of an upgrade", () => {
    expect(lines(report(MOVING))).toMatchInlineSnapshot(`
      "asm-1-27 -> asm-1-28: moving (labels, tags or pods belong to both revisions)

      STEPS
      [x] istio-shared-configmap-asm-1-28 has all settings of
          istio-shared-configmap-asm-1-27
      [x] asm-1-28 is ready
      [ ] 2 of 4 namespaces lead to asm-1-28
      [ ] 1 of 2 tags leads to asm-1-28
      [>] 4 of 13 pods run asm-1-28; restarts are left in 1 namespace; 1 step for a
          person
      [ ] watch errors and latency before you remove asm-1-27: no pod can go back to
          it afterwards
      [ ] complete the upgrade: asm-1-27 is still in use
      [ ] until then, everything can go back to asm-1-27

      NAMESPACES: 4
      NAMESPACE   LEADS TO                 ASM-1-27   ASM-1-28   OUTDATED   BY HAND
      pay         asm-1-27                 4          0          0          0
      shop        asm-1-28 (prod-canary)   0          3          0          0
      vault       asm-1-27 (prod-stable)   3          0          0          0
      web         asm-1-28                 2          1          2          1

      NEXT
        istio-upgrade move web --to asm-1-28
      "
    `);
  });

  test("with a next step in words, which is broken between them", () => {
    const nextStep =
      "run az aks mesh upgrade start for the revision asm-1-29, with the resource group and the name of this cluster in Azure";
    const text = lines({ ...report(PLANNING), nextStep });
    expect(text.slice(text.lastIndexOf("NEXT"))).toMatchInlineSnapshot(`
      "NEXT
        run az aks mesh upgrade start for the revision asm-1-29, with the resource
        group and the name of this cluster in Azure
      "
    `);
  });

  test("of an upgrade without a direction", () => {
    expect(lines(report(UNDIRECTED))).toMatchInlineSnapshot(`
      "asm-1-27, asm-1-28: moving (labels, tags or pods belong to both revisions)

      STEPS
      [ ] forward, to asm-1-28
          -> istio-upgrade status --to asm-1-28
      [ ] back, to asm-1-27
          -> istio-upgrade status --to asm-1-27

      NAMESPACES: 4
      NAMESPACE   LEADS TO                 ASM-1-27   ASM-1-28   OUTDATED   BY HAND
      pay         asm-1-27                 4          0          0          0
      shop        asm-1-28 (prod-canary)   0          3          0          0
      vault       asm-1-27 (prod-stable)   3          0          0          0
      web         asm-1-28                 2          1          2          1
      "
    `);
  });

  test("before an upgrade", () => {
    expect(lines(report(PLANNING, SURROUNDINGS))).toMatchInlineSnapshot(`
      "asm-1-27 -> asm-1-29: planning (the revision is not installed yet)

      STEPS
      [>] istio-shared-configmap-asm-1-27 exists in aks-istio-system and
          istio-shared-configmap-asm-1-29 does not: the mesh configuration in it would
          be lost
      [ ] the nodes need room for asm-1-29 beside asm-1-27: 2 istiod pods more, and a
          second set of the gateways of AKS; this is not checked
      [ ] from asm-1-29, sidecars are native (init containers that keep running) only
          if every node runs 1.33: 1 node of 1 is older, such as node-1 (v1.32.4)
      [ ] 1 workload may serve with fewer pods during a restart (DaemonSet, Recreate,
          a single replica): shop/ds/agent
      [ ] 1 EnvoyFilter with a proxyVersion: check that the new version matches:
          shop/lua (^1\\.27.*)
      [ ] asm-1-29 is not installed
      [ ] asm-1-29 is ready
      [ ] namespaces lead to asm-1-29

      NAMESPACES: 1
      NAMESPACE   LEADS TO   ASM-1-27   OUTDATED   NEXT
      shop        asm-1-27   6          0          -

      NEXT
        kubectl get configmap istio-shared-configmap-asm-1-27 -n aks-istio-system -o yaml | sed s/asm-1-27/asm-1-29/ | kubectl create -f -
      "
    `);
  });

  test("of a mesh in which nothing is left", () => {
    const world: UpgradeWorld = {
      plane: { revisions: [NEW] },
      places: [namespace("shop", { rev: "asm-1-28" })],
      workloads: [deployment("cart", { pods: [onNew(3)] })],
    };
    expect(lines(report(world))).toMatchInlineSnapshot(`
      "asm-1-28: current (nothing is left to do)

      STEPS
      [x] 1 workload on asm-1-28
      [x] no part of another revision is left

      NAMESPACES: 1
      NAMESPACE   LEADS TO   ASM-1-28   OUTDATED   NEXT
      shop        asm-1-28   3          0          -
      "
    `);
  });

  test("of something that could not be read", () => {
    const gap: Gap = {
      verb: "list",
      resource: "pods",
      namespace: undefined,
      reason: "forbidden",
      message: "not allowed",
      hint: "ask for the permission",
    };
    expect(lines(report({ plane: { revisions: [NEW] }, gaps: [gap] }))).toMatchInlineSnapshot(`
      "asm-1-28: the phase is unknown, because not everything could be read

      STEPS
      [ ] 0 workloads on asm-1-28
      [ ] no part of another revision is left

      NOT READ: 1 gap, so this report is incomplete
      list pods: forbidden
          not allowed
          -> ask for the permission
      "
    `);
  });

  test("wide, with a command for each namespace", () => {
    expect(lines(report(MOVING), true)).toMatchInlineSnapshot(`
      "asm-1-27 -> asm-1-28: moving (labels, tags or pods belong to both revisions)

      STEPS
      [x] istio-shared-configmap-asm-1-28 has all settings of
          istio-shared-configmap-asm-1-27
      [x] asm-1-28 is ready
      [ ] 2 of 4 namespaces lead to asm-1-28
          -> istio-upgrade move pay --to asm-1-28
      [ ] 1 of 2 tags leads to asm-1-28
          -> istioctl tag set prod-stable --revision asm-1-28 --istioNamespace aks-istio-system --overwrite
      [>] 4 of 13 pods run asm-1-28; restarts are left in 1 namespace; 1 step for a
          person
          -> istio-upgrade move web --to asm-1-28
      [ ] watch errors and latency before you remove asm-1-27: no pod can go back to
          it afterwards
          -> istio-upgrade verify --all-namespaces
      [ ] complete the upgrade: asm-1-27 is still in use
          -> istio-upgrade revisions asm-1-27 --assert-unused && az aks mesh upgrade complete --resource-group rg --name aks
      [ ] until then, everything can go back to asm-1-27
          -> istio-upgrade status --to asm-1-27

      NAMESPACES: 4
      NAMESPACE   LEADS TO                 ASM-1-27   ASM-1-28   OUTDATED   BY HAND   NEXT
      pay         asm-1-27                 4          0          0          0         istio-upgrade move pay --to asm-1-28
      shop        asm-1-28 (prod-canary)   0          3          0          0         -
      vault       asm-1-27 (prod-stable)   3          0          0          0         istioctl tag set prod-stable --revision asm-1-28 --istioNamespace aks-istio-system --overwrite
      web         asm-1-28                 2          1          2          1         istio-upgrade move web --to asm-1-28

      NEXT
        istio-upgrade move web --to asm-1-28
      "
    `);
  });

  test("without headers is rows for a script", () => {
    const style = { ...PLAIN, headers: false };
    expect([...renderText(report(MOVING), style, false)].join("")).toMatchInlineSnapshot(`
      "pay     asm-1-27                 4   0   0   0   0   0   istio-upgrade move pay --to asm-1-28
      shop    asm-1-28 (prod-canary)   0   3   0   0   0   0   -
      vault   asm-1-27 (prod-stable)   3   0   0   0   0   0   istioctl tag set prod-stable --revision asm-1-28 --istioNamespace aks-istio-system --overwrite
      web     asm-1-28                 2   1   2   1   0   0   istio-upgrade move web --to asm-1-28
      "
    `);
  });

  test("fits 80 columns and names ten namespaces, those with something to do first", () => {
    const names = Array.from({ length: 30 }, (_, index) => `namespace-${index + 10}`);
    const document = report({
      places: names.map((name, index) =>
        namespace(name, { rev: index === 29 ? "asm-1-27" : "asm-1-28" }),
      ),
      to: "asm-1-28",
    });
    const text = lines(document);
    expect(text).toContain("\nnamespace-39 ");
    expect(text).toContain("\nand 20 more namespaces: -o wide\n");
    const before = text.slice(0, text.indexOf("\nNEXT\n"));
    expect(before.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(before.split("\n").length).toBeLessThan(30);
  });
});

test("a change ticket has the checklist, the namespaces and the next step", () => {
  expect(renderMarkdown(report(MOVING))).toMatchInlineSnapshot(`
    "# Istio upgrade of prod

    |         |                                                       |
    | ------- | ----------------------------------------------------- |
    | Cluster | prod (https://prod.example:6443)                      |
    | When    | 2026-11-22T20:00:00.000Z                              |
    | By      | istio-upgrade 1.0.0                                   |
    | From    | asm-1-27                                              |
    | To      | asm-1-28                                              |
    | Phase   | moving: labels, tags or pods belong to both revisions |
    | Result  | exit 2 (outdated:2, phase:moving)                     |

    - [x] istio-shared-configmap-asm-1-28 has all settings of istio-shared-configmap-asm-1-27
    - [x] asm-1-28 is ready
    - [ ] 2 of 4 namespaces lead to asm-1-28: \`istio-upgrade move pay --to asm-1-28\`
    - [ ] 1 of 2 tags leads to asm-1-28: \`istioctl tag set prod-stable --revision asm-1-28 --istioNamespace aks-istio-system --overwrite\`
    - [ ] **4 of 13 pods run asm-1-28; restarts are left in 1 namespace; 1 step for a person**: \`istio-upgrade move web --to asm-1-28\`
    - [ ] watch errors and latency before you remove asm-1-27: no pod can go back to it afterwards: \`istio-upgrade verify --all-namespaces\`
    - [ ] complete the upgrade: asm-1-27 is still in use: \`istio-upgrade revisions asm-1-27 --assert-unused && az aks mesh upgrade complete --resource-group rg --name aks\`
    - [ ] until then, everything can go back to asm-1-27: \`istio-upgrade status --to asm-1-27\`

    ## Namespaces: 4

    | Namespace | Leads to | Tag         | Pods                     | Outdated | By hand | Would lose | Next step                                                                                        |
    | --------- | -------- | ----------- | ------------------------ | -------- | ------- | ---------- | ------------------------------------------------------------------------------------------------ |
    | pay       | asm-1-27 |             | asm-1-27: 4              | 0        | 0       | 0          | \`istio-upgrade move pay --to asm-1-28\`                                                           |
    | shop      | asm-1-28 | prod-canary | asm-1-28: 3              | 0        | 0       | 0          |                                                                                                  |
    | vault     | asm-1-27 | prod-stable | asm-1-27: 3              | 0        | 0       | 0          | \`istioctl tag set prod-stable --revision asm-1-28 --istioNamespace aks-istio-system --overwrite\` |
    | web       | asm-1-28 |             | asm-1-27: 2, asm-1-28: 1 | 2        | 1       | 0          | \`istio-upgrade move web --to asm-1-28\`                                                           |

    Next: \`istio-upgrade move web --to asm-1-28\`
    "
  `);
});

test("JUnit has a case for the phase and for each namespace", () => {
  expect([...renderJunit(report(MOVING))].join("")).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <testsuites tests="5" failures="4" errors="0" skipped="0">
      <testsuite name="status" timestamp="2026-11-22T20:00:00" tests="5" failures="4" errors="0" skipped="0">
        <testcase classname="status" name="phase">
          <failure message="moving -&gt; istio-upgrade move web --to asm-1-28" type="moving"/>
        </testcase>
        <testcase classname="status" name="pay">
          <failure message="leads to asm-1-27 -&gt; istio-upgrade move pay --to asm-1-28" type="moving"/>
        </testcase>
        <testcase classname="status" name="shop">
          <system-out>leads to asm-1-28</system-out>
        </testcase>
        <testcase classname="status" name="vault">
          <failure message="leads to asm-1-27 -&gt; istioctl tag set prod-stable --revision asm-1-28 --istioNamespace aks-istio-system --overwrite" type="moving"/>
        </testcase>
        <testcase classname="status" name="web">
          <failure message="leads to asm-1-28 -&gt; istio-upgrade move web --to asm-1-28" type="moving"/>
        </testcase>
      </testsuite>
    </testsuites>
    "
  `);
});
