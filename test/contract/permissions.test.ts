import { describe, expect } from "vitest";
import { deployment } from "../support/manifests.ts";
import { grantsOf, nameOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster, TestRule } from "../support/test-cluster.ts";
import { eventually, type Sandbox, test } from "./sandbox.ts";

const IMAGE = "mcr.microsoft.com/oss/istio/proxyv2:1.17.1-distroless";
const NEWER = "mcr.microsoft.com/oss/istio/proxyv2:1.17.2-distroless";

/** Creates a namespace with one outdated workload. */
async function createOutdated(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
): Promise<Sandbox> {
  await cluster.installRevision({ name: "asm-1-17", image: IMAGE });
  const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
  await sandbox.create("deployments", deployment("web"));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(1));
  await cluster.moveImage("asm-1-17", NEWER);
  return sandbox;
}

describe("the permissions in deploy/", () => {
  test("read-only is enough for check, but not for restart", async ({ cluster, enter }) => {
    const sandbox = await createOutdated(cluster, enter);
    const rules = rulesOf(grantsOf("read-only"));
    const env = { KUBECONFIG: await cluster.userKubeconfig("reader", rules) };

    const check = await runProgram(["check", "-n", sandbox.name, "--json"], env);
    expect(check.status).toBe(2);
    expect(parseReport("CheckReport", check.stdout)).toMatchObject({ complete: true, gaps: [] });

    const restart = await runProgram(["restart", "-n", sandbox.name, "--yes"], env);
    expect(restart.status).toBe(1);
    expect(restart.stderr).toContain(
      `error: not allowed to get deployments.apps in the namespace "${sandbox.name}", so nothing was restarted\n`,
    );
    expect((await sandbox.get("deployments", "web")).metadata.generation).toBe(1);
  });

  test.for(["restart-cluster", "restart-namespace"] as const)(
    "%s is enough for restart",
    async (role, { cluster, enter }) => {
      const sandbox = await createOutdated(cluster, enter);
      const rules = rulesOf(grantsOf(role, sandbox.name));
      const env = { KUBECONFIG: await cluster.userKubeconfig(role, rules) };
      const ran = await runProgram(["restart", "-n", sandbox.name, "--yes", "--json"], env);
      expect(ran.stderr).toContain("RESULT exit=0");
      const report = parseReport("RestartReport", ran.stdout);
      expect(report.results).toMatchObject([{ name: "web", outcome: "restarted" }]);
      expect(report.user).toContain(role);
      expect(report.notes).toEqual([]);
    },
  );

  test("are enough without watch: a restart asks for it once, and reads more often", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await createOutdated(cluster, enter);
    const grants = grantsOf("restart-namespace", sandbox.name);
    const watchesOf = async (user: string, rules: readonly TestRule[]) => {
      const args = ["restart", "-n", sandbox.name, "--include", "current", "--yes", "--verbose"];
      const env = { KUBECONFIG: await cluster.userKubeconfig(user, rules) };
      const ran = await runProgram([...args, "--json"], env);
      const { results, notes } = parseReport("RestartReport", ran.stdout);
      expect([ran.status, notes]).toEqual([0, []]);
      expect(results).toMatchObject([{ name: "web", outcome: "restarted" }]);
      const lines = [...ran.stderr.matchAll(/^GET \S+watch=true\S*(.*)$/gm)];
      return lines.map(([, error]) => error);
    };
    expect(await watchesOf("watcher", rulesOf(grants))).toEqual([""]);
    const fewer = grants.filter(({ verb }) => verb !== "watch");
    expect(await watchesOf("poller", rulesOf(fewer))).toEqual([
      " ApiError: the watch was rejected: HTTP 403",
    ]);
  });

  test("of a single namespace are enough, since dry runs prove the injection", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await createOutdated(cluster, enter);
    const own = grantsOf("restart-namespace", sandbox.name).filter(
      ({ namespace }) => namespace === sandbox.name,
    );
    const env = { KUBECONFIG: await cluster.userKubeconfig("tenant", rulesOf(own)) };
    const unread =
      "could not read mutatingwebhookconfigurations.admissionregistration.k8s.io, configmaps, deployments.apps, endpointslices.discovery.k8s.io, services, which is not needed: a dry run proved every verdict";

    const found = await runProgram(["check", "-n", sandbox.name, "--json"], env);
    expect(found.status).toBe(2);
    expect(parseReport("CheckReport", found.stdout)).toMatchObject({
      complete: true,
      gaps: [],
      workloads: [{ name: "web", verdict: "outdated", proof: "proved" }],
    });
    const restarted = await runProgram(["restart", "-n", sandbox.name, "--yes", "--json"], env);
    expect(restarted.stderr).toContain("RESULT exit=0");
    expect(parseReport("RestartReport", restarted.stdout)).toMatchObject({
      results: [{ name: "web", outcome: "restarted" }],
      notes: [unread],
    });
    const explained = await runProgram(["explain", "deploy/web", "-n", sandbox.name], env);
    expect([explained.status, explained.stdout]).toEqual([0, expect.stringContaining("current")]);

    const unproved = own.filter((grant) => nameOf(grant) !== "create pods");
    const blind = { KUBECONFIG: await cluster.userKubeconfig("blind", rulesOf(unproved)) };
    const unknown = await runProgram(["check", "-n", sandbox.name, "--json"], blind);
    expect(unknown.status).toBe(6);
    expect(parseReport("CheckReport", unknown.stdout)).toMatchObject({
      workloads: [{ name: "web", verdict: "unknown" }],
    });
    // The workload may get that revision.
    const asked = ["--revision", "asm-1-99"];
    const narrowed = await runProgram(["check", "-n", sandbox.name, "--json", ...asked], blind);
    expect(narrowed.status).toBe(6);
    expect(parseReport("CheckReport", narrowed.stdout)).toMatchObject({
      complete: false,
      workloads: [{ name: "web", verdict: "unknown" }],
    });
  });

  test("of a single namespace are not enough for all namespaces, and the hint says what may be enough", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await createOutdated(cluster, enter);
    const rules = rulesOf(grantsOf("restart-namespace", sandbox.name));
    const env = { KUBECONFIG: await cluster.userKubeconfig("homebody", rules) };
    const ran = await runProgram(["check", "--json"], env);
    expect(ran.status).toBe(6);
    const { gaps } = parseReport("CheckReport", ran.stdout);
    expect(gaps.find(({ what }) => what === "list pods")).toMatchObject({
      namespace: null,
      reason: "forbidden",
      hint: "choose only namespaces that you may read, or ask for the permission: kubectl auth can-i list pods --all-namespaces",
    });
  });

  test("are required: without any, the program prints no report", async ({ cluster, enter }) => {
    const sandbox = await enter();
    const env = { KUBECONFIG: await cluster.userKubeconfig("nobody", []) };
    const ran = await runProgram(["check", "-n", sandbox.name], env);
    expect([ran.status, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toContain("error: no permission to read anything");
  });
});
