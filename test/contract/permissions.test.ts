import { describe, expect } from "vitest";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { README_RULES } from "./readme-rules.ts";
import { eventually, test } from "./sandbox.ts";

const IMAGE = "mcr.microsoft.com/oss/istio/proxyv2:1.17.1-distroless";
const NEWER = "mcr.microsoft.com/oss/istio/proxyv2:1.17.2-distroless";

const { check: CHECK, restart: RESTART } = README_RULES;

describe("the permissions in the README", () => {
  test("suffice to check, and not to restart", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: IMAGE });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web"));
    await eventually(async () => expect(await sandbox.pods()).toHaveLength(1));
    await cluster.moveImage("asm-1-17", NEWER);
    const env = { KUBECONFIG: await cluster.userKubeconfig("reader", CHECK) };

    const check = await runProgram(["check", "-n", sandbox.name, "--json"], env);
    expect(check.status).toBe(2);
    expect(parseReport("CheckReport", check.stdout)).toMatchObject({ complete: true, gaps: [] });

    const restart = await runProgram(["restart", "-n", sandbox.name, "--yes"], env);
    expect(restart.status).toBe(1);
    expect(restart.stderr).toContain(
      `error: you may not get deployments.apps in the namespace "${sandbox.name}", so nothing was restarted\n`,
    );
    expect((await sandbox.get("deployments", "web")).metadata.generation).toBe(1);
  });

  test("suffice to restart", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: IMAGE });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web"));
    await eventually(async () => expect(await sandbox.pods()).toHaveLength(1));
    await cluster.moveImage("asm-1-17", NEWER);
    const env = { KUBECONFIG: await cluster.userKubeconfig("operator", [...CHECK, ...RESTART]) };
    const ran = await runProgram(["restart", "-n", sandbox.name, "--yes", "--json"], env);
    expect(ran.stderr).toContain("RESULT exit=0");
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.results).toMatchObject([{ name: "web", outcome: "restarted" }]);
    expect(report.user).toContain("operator");
  });

  test("are all needed: without one the report is incomplete, and says what is missing", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: IMAGE });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web"));
    await eventually(async () => expect(await sandbox.pods()).toHaveLength(1));
    const needed = CHECK.flatMap(({ apiGroups, resources, verbs }) =>
      resources.map((resource) => ({ apiGroups, resources: [resource], verbs })),
    ).filter(({ resources }) => resources[0] !== "jobs");
    for (const [index, { resources }] of needed.entries()) {
      const [resource = ""] = resources;
      const rules = needed.filter((rule) => !rule.resources.includes(resource));
      const kubeconfig = await cluster.userKubeconfig(`lacking-${index}`, rules);
      const ran = await runProgram(["check", "-n", sandbox.name, "--json"], {
        KUBECONFIG: kubeconfig,
      });
      const report = parseReport("CheckReport", ran.stdout);
      expect([resource, ran.status, report.complete]).toEqual([resource, 6, false]);
      expect(report.gaps.map(({ what }) => what).join()).toContain(resource);
      expect(report.gaps.every(({ reason }) => reason === "forbidden")).toBe(true);
    }
  });

  test("without any, nothing is reported", async ({ cluster, enter }) => {
    const sandbox = await enter();
    const env = { KUBECONFIG: await cluster.userKubeconfig("nobody", []) };
    const ran = await runProgram(["check", "-n", sandbox.name], env);
    expect([ran.status, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toContain("error: nothing in the cluster may be read");
  });
});
