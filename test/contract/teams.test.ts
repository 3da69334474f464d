import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { grantsOf, nameOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { run, type Sandbox, test, untilInjected, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Only this file uses this revision. */
const REVISION = "asm-1-63";
const [OLD, NEW] = [proxyImage("v1.63.1-1"), proxyImage("v1.63.2-1")];

/** Other tests on the same cluster have no namespaces with this label. */
const TEAM = "test.example.com/team";
const OWNER = "test.example.com/owner";
const HOSTILE = "\u001b[2JTeam | <b>pay</b>\n\u202e& co";

async function annotate(cluster: TestCluster, { name }: Sandbox, owner: string): Promise<void> {
  const answer = await cluster.request("PATCH", `/api/v1/namespaces/${name}`, {
    body: { metadata: { annotations: { [OWNER]: owner } } },
    contentType: "application/merge-patch+json",
  });
  expect(answer.status).toBe(200);
}

interface Teams {
  readonly pay: Sandbox;
  readonly ledger: Sandbox;
  readonly search: Sandbox;
}

/** Creates two namespaces of one team and one of another, in which everything is outdated but `new`. */
async function createTeams(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>, prefix: string) => Promise<Sandbox>,
): Promise<Teams> {
  await cluster.installRevision({ name: REVISION, image: OLD });
  await cluster.moveImage(REVISION, OLD);
  const labels = { "istio.io/rev": REVISION };
  const pay = await enter({ ...labels, [TEAM]: "payments" }, "pay");
  const ledger = await enter({ ...labels, [TEAM]: "payments" }, "ledger");
  const search = await enter({ ...labels, [TEAM]: "search" }, "search");
  await untilInjected(cluster, pay, OLD);
  await annotate(cluster, pay, HOSTILE);
  await annotate(cluster, search, "jane@example.com");
  const single = { strategy: { type: "Recreate", rollingUpdate: null } };
  await pay.create("deployments", {
    ...deployment("api", { replicas: 2 }),
    metadata: { name: "api", labels: { tier: "front", [TEAM]: "checkout" } },
  });
  await pay.create("deployments", deployment("single", { spec: single }));
  await ledger.create("deployments", deployment("books"));
  await search.create("deployments", deployment("index"));
  await untilReady(pay, 3);
  await untilReady(ledger, 1);
  await untilReady(search, 1);
  await cluster.moveImage(REVISION, NEW);
  await untilInjected(cluster, pay, NEW);
  await pay.create("deployments", deployment("new"));
  await untilReady(pay, 4);
  return { pay, ledger, search };
}

async function check(cluster: TestCluster, ...args: readonly string[]) {
  const ran = await run(cluster, "check", ...args, "--json");
  return { status: ran.status, ...parseReport("CheckReport", ran.stdout) };
}

describe("teams", () => {
  test("are a scope, groups and columns of check, verify, restart and status", async ({
    cluster,
    enter,
  }) => {
    const { pay, ledger, search } = await createTeams(cluster, enter);
    const names = [pay.name, ledger.name].sort();
    const payments = ["--namespace-selector", `${TEAM}=payments`];
    const everyone = ["--namespace-selector", TEAM];

    const scoped = await check(cluster, ...payments);
    expect(scoped.status).toBe(2);
    expect(scoped.scope).toMatchObject({
      namespaces: names,
      namespaceSelector: `${TEAM}=payments`,
    });
    expect(scoped.workloads.map(({ name }) => name).sort()).toEqual([
      "api",
      "books",
      "new",
      "single",
    ]);
    expect(scoped.nextStep).toBe(`istio-upgrade restart --namespace ${names.join(",")}`);
    expect(scoped.workloads.some((entry) => "labels" in entry || "group" in entry)).toBe(false);
    expect([scoped.groups, scoped.labelColumns]).toEqual([undefined, undefined]);

    const grouped = await check(
      cluster,
      ...everyone,
      "--group-by",
      `namespace-label=${TEAM}`,
      "-L",
      `tier,${TEAM}`,
      "-L",
      OWNER,
    );
    expect(grouped.groups).toMatchObject([
      { name: "payments", workloads: 4, pods: 5, outdated: 3, byHand: 1, wouldLose: 0, current: 1 },
      { name: "search", workloads: 1, outdated: 1, byHand: 0, current: 0 },
    ]);
    expect(grouped.groups?.[0]?.oldest?.atMost).toMatch(/^P/);
    const labelsOf = (name: string) =>
      grouped.workloads.find((entry) => entry.name === name)?.labels;
    expect(labelsOf("api")).toEqual({ tier: "front", [TEAM]: "checkout", [OWNER]: HOSTILE });
    expect(labelsOf("books")).toEqual({ [TEAM]: "payments" });
    expect(labelsOf("index")).toEqual({ [TEAM]: "search", [OWNER]: "jane@example.com" });

    const groupsBy = async (by: string) => {
      const { groups = [] } = await check(cluster, ...everyone, "--group-by", by);
      return groups.map(({ name, workloads }) => [name, workloads]);
    };
    expect(await groupsBy("kind")).toEqual([["Deployment", 5]]);
    expect(await groupsBy("revision")).toEqual([[REVISION, 5]]);
    expect(await groupsBy(`label=${TEAM}`)).toEqual([
      ["checkout", 1],
      [null, 4],
    ]);
    expect(await groupsBy(`namespace-annotation=${OWNER}`)).toEqual([
      [HOSTILE, 3],
      ["jane@example.com", 1],
      [null, 1],
    ]);

    const asText = ["--group-by", `namespace-annotation=${OWNER}`, "-L", TEAM];
    for (const output of ["table", "wide", "markdown", "junit"]) {
      const { stdout } = await run(cluster, "check", ...everyone, ...asText, "-o", output);
      expect(stdout).not.toMatch(/[\p{Cf}]|\p{Cc}(?<!\n)/u);
      expect(stdout).toContain(
        "& co".replace("&", output === "junit" ? "&amp;" : output === "markdown" ? "\\&" : "&"),
      );
    }

    // A plan counts the same groups; columns do not make it another plan.
    const dryRun = ["restart", ...payments, "--dry-run", "--json"];
    const plain = parseReport("RestartReport", (await run(cluster, ...dryRun)).stdout);
    const teams = ["--group-by", "namespace", "-L", "tier"];
    const plan = parseReport("RestartReport", (await run(cluster, ...dryRun, ...teams)).stdout);
    expect(plan.plan).toBe(plain.plan);
    expect(plan.groups).toMatchObject(
      names.map((name) => ({ name, planned: 1, done: 0, byHand: name === pay.name ? 1 : 0 })),
    );
    expect(plan.steps.find(({ name }) => name === "api")).toMatchObject({
      labels: { tier: "front" },
      group: pay.name,
    });

    const unnamed = await run(cluster, "restart", ...payments, "--yes");
    expect([unnamed.status, unnamed.stderr.split("\n")[0]]).toEqual([
      64,
      "error: --namespace-selector with --yes also needs --context: the current context may be another cluster",
    ]);
    const restarted = await run(
      cluster,
      "restart",
      ...payments,
      "--context",
      "test",
      "--yes",
      "--json",
      ...teams,
    );
    const report = parseReport("RestartReport", restarted.stdout);
    expect([restarted.status, report.results.map(({ name }) => name).sort()]).toEqual([
      5,
      ["api", "books"],
    ]);
    expect(report.groups?.map(({ planned, done }) => [planned, done])).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(report.nextStep).toBe("");

    const verified = await run(cluster, "verify", ...payments, "--wait", "1s", "--json");
    expect(parseReport("VerifyReport", verified.stdout)).toMatchObject({
      exitReasons: ["by-hand:1"],
      scope: { namespaces: names },
    });
    const asked = ["--json", "-L", `${TEAM},${OWNER}`, "--group-by", `namespace-label=${TEAM}`];
    const words = ["move", search.name, "--to", REVISION, "--dry-run", ...asked];
    const moved = await run(cluster, ...words);
    const move = parseReport("RestartReport", moved.stdout);
    expect(move.namespaces).toMatchObject([
      { name: search.name, labels: { [TEAM]: "search", [OWNER]: "jane@example.com" } },
    ]);
    expect(move.groups).toMatchObject([{ name: "search", planned: 1, done: 0, outdated: 1 }]);

    const status = await run(
      cluster,
      "status",
      "-L",
      TEAM,
      "--group-by",
      `namespace-label=${TEAM}`,
      "--json",
    );
    const { namespaces, groups } = parseReport("StatusReport", status.stdout);
    expect(namespaces.find(({ name }) => name === search.name)?.labels).toEqual({
      "istio.io/rev": REVISION,
      [TEAM]: "search",
    });
    expect(groups).toContainEqual(expect.objectContaining({ name: "search", outdated: 1 }));
  });

  test("without namespaces are a note, and never someone else's workloads", async ({ cluster }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const typo = await check(cluster, "--namespace-selector", `${TEAM}=pya`);
    expect([typo.status, typo.workloads, typo.scope.namespaces]).toEqual([0, [], []]);
    expect(typo.notes).toEqual([
      `no namespace matches --namespace-selector ${TEAM}=pya; see their labels: kubectl get namespaces --show-labels`,
    ]);
    const plan = await run(
      cluster,
      "restart",
      "--namespace-selector",
      `${TEAM}=pya`,
      "--dry-run",
      "--json",
    );
    expect(parseReport("RestartReport", plan.stdout).steps).toEqual([]);
  });

  test("need no permission besides those of their namespaces and the list of namespaces", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION, [TEAM]: "few-rights" });
    await sandbox.create("deployments", deployment("web"));
    await untilReady(sandbox, 1);
    const args = ["check", "--namespace-selector", `${TEAM}=few-rights`, "--json"];
    const grants = grantsOf("restart-namespace", sandbox.name);
    const list = {
      apiGroups: [""],
      resources: ["namespaces"],
      verbs: ["list"],
    };
    const allowed = {
      KUBECONFIG: await cluster.userKubeconfig("team", [...rulesOf(grants), list]),
    };
    const ran = await runProgram(args, allowed);
    const report = parseReport("CheckReport", ran.stdout);
    expect(report.gaps).toEqual([]);
    expect(report.workloads.map(({ name }) => name)).toEqual(["web"]);

    const without = grants.filter((grant) => nameOf(grant) !== "list namespaces");
    const forbidden = { KUBECONFIG: await cluster.userKubeconfig("team", rulesOf(without)) };
    const failed = await runProgram(args, forbidden);
    expect(failed.status).toBe(1);
    expect(parseReport("Error", failed.stdout)).toMatchObject({ code: "forbidden" });
    expect(failed.stderr).toMatch(
      /^error: could not list the namespaces that --namespace-selector chooses from: .*\nname the namespaces instead, or ask for the permission: kubectl auth can-i list namespaces\n/,
    );
  });
});
