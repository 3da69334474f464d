import { describe, expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { argoRollout, deployment } from "../support/manifests.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { createClaim, mounting } from "./claim.ts";
import { eventually, run, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-66";
const [OLD, NEW] = [proxyImage("v1.66.0-1"), proxyImage("v1.66.2-1")];

describe("a warning before a restart", () => {
  test("is about claims and budgets that keep pods from being replaced", async ({
    cluster,
    enter,
  }) => {
    await cluster.installArgoRollouts();
    await cluster.installRevision({ name: REVISION, image: OLD });
    await cluster.moveImage(REVISION, OLD);
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createClaim(cluster, sandbox, "disk", "ReadWriteOnce");
    await createClaim(cluster, sandbox, "shared", "ReadWriteMany");
    const recreate = { strategy: { type: "Recreate" } };
    const web = deployment("web", { podSpec: mounting("disk") });
    await sandbox.create("deployments", web);
    await sandbox.create(
      "deployments",
      deployment("recreated", { podSpec: mounting("disk"), spec: recreate }),
    );
    await sandbox.create("deployments", deployment("files", { podSpec: mounting("shared") }));
    await sandbox.create("rollouts", argoRollout("canary", { replicas: 2 }));
    for (const app of ["canary", "files"]) {
      await sandbox.create("poddisruptionbudgets", {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: `${app}-budget` },
        spec: { maxUnavailable: 0, selector: { matchLabels: { app } } },
      });
    }
    await untilReady(sandbox, 5);
    await cluster.moveImage(REVISION, NEW);

    const disk =
      "its claim disk is ReadWriteOnce: a new pod on another node cannot start while an old pod uses it";
    const budget =
      "the PodDisruptionBudget canary-budget allows no eviction, and Argo Rollouts evicts pods to restart them";
    const expected = { canary: [budget], files: [], recreated: [], web: [disk] };
    const risks = new Set(["read-write-once", "read-write-once-pod", "disruption-budget"]);
    const plan = ["--dry-run=client", "--allow-downtime"];
    for (const [command, kind, ...args] of [
      ["check", "CheckReport", "--allow-downtime"],
      ["restart", "RestartReport", ...plan],
    ] as const) {
      const at = [command, "-n", sandbox.name, ...args] as const;
      const { workloads } = parseReport(kind, (await run(cluster, ...at, "--json")).stdout);
      const found = workloads.map(({ name, warnings }) => [
        name,
        warnings.filter(({ code }) => risks.has(code)).map(({ message }) => message),
      ]);
      expect([command, Object.fromEntries(found)]).toEqual([command, expected]);
      const text = (await run(cluster, ...at)).stdout.replace(/\s+/g, " ");
      const markdown = (await run(cluster, ...at, "--output", "markdown")).stdout;
      for (const message of [disk, budget]) {
        expect(text).toContain(message);
        expect(markdown).toContain(message);
      }
    }

    const risky = /persistentvolumeclaims|poddisruptionbudgets/;
    const fewer = grantsOf("restart-cluster").filter(({ resource }) => !risky.test(resource));
    const kubeconfig = await cluster.userKubeconfig("riskless", rulesOf(fewer));
    const ran = await runProgram(["restart", "-n", sandbox.name, ...plan, "--json"], {
      KUBECONFIG: kubeconfig,
    });
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.gaps]).toEqual([0, []]);
    expect(report.notes.toSorted()).toEqual([
      `not allowed to get persistentvolumeclaims in ${sandbox.name}: there is no warning of claims that keep new pods from starting`,
      `not allowed to list poddisruptionbudgets in ${sandbox.name}: there is no warning of budgets that keep Argo Rollouts from restarting pods`,
    ]);
  });

  test("is not looked for in current workloads", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createClaim(cluster, sandbox, "disk", "ReadWriteOnce");
    await sandbox.create("deployments", deployment("web", { podSpec: mounting("disk") }));
    await untilReady(sandbox, 1);
    const warningsOf = async (...args: readonly string[]) => {
      const ran = await run(cluster, "check", "-n", sandbox.name, "--json", ...args);
      const { workloads } = parseReport("CheckReport", ran.stdout);
      return workloads.flatMap(({ warnings }) => warnings.map(({ code }) => code));
    };
    await eventually(async () =>
      expect(await warningsOf("--include", "current")).toContain("read-write-once"),
    );
    expect(await warningsOf()).not.toContain("read-write-once");
  });
});
