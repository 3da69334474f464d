import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { grantsOf, nameOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram, startProgram } from "../support/run-program.ts";
import { createReplaceable, setNodeStatus } from "./replaceable.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 180_000 });

/** Only this file uses these revisions. */
const NATIVE = { name: "asm-1-75", from: proxyImage("v1.75.1-1"), to: proxyImage("v1.75.2-1") };
const ORDINARY = { name: "asm-1-76", from: proxyImage("v1.76.1-1"), to: proxyImage("v1.76.2-1") };

function inPlace({ name }: Sandbox, ...args: readonly string[]): readonly string[] {
  return ["restart", "-n", name, "--in-place", "--json", ...args];
}

async function imagesOf(sandbox: Sandbox): Promise<readonly string[]> {
  return (await sandbox.pods()).flatMap(({ spec }) =>
    spec.initContainers.flatMap(({ name, image }: { name: string; image: string }) =>
      name === "istio-proxy" ? [image] : [],
    ),
  );
}

describe("restart --in-place", () => {
  test("a dry run by the API server accepts the patch, and changes nothing", async ({
    cluster,
    enter,
  }) => {
    const { sandbox } = await createReplaceable(cluster, enter, NATIVE);
    const before = await sandbox.pods();
    const ran = await run(cluster, ...inPlace(sandbox, "--dry-run=server", "--allow-downtime"));
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.workloads.map(({ restartReason }) => restartReason)).toEqual(["", ""]);
    expect(report.results.toSorted((a, b) => a.name.localeCompare(b.name))).toMatchObject([
      { name: "bare", outcome: "skipped", code: "dry-run" },
      { name: "web", outcome: "skipped", code: "dry-run" },
    ]);
    expect([ran.status, report.inPlace]).toEqual([0, { pull: false }]);
    expect(await sandbox.pods()).toEqual(before);
    const explained = await run(cluster, "explain", "deploy/web", "-n", sandbox.name);
    expect(explained.stdout).toContain("in place   possible: only the image");
    expect(explained.stdout).toContain(
      `restart deployment/web --namespace ${sandbox.name} --in-place`,
    );
  });

  test("an approved plan is carried out in place, and no other way", async ({ cluster, enter }) => {
    const { sandbox } = await createReplaceable(cluster, enter, NATIVE);
    const made = await run(cluster, ...inPlace(sandbox, "--allow-downtime", "--dry-run"));
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-in-place-"));
    const file = join(folder, "plan.json");
    writeFileSync(file, made.stdout);
    const ran = await run(cluster, "restart", "--plan", file, "--dry-run=server", "--json");
    rmSync(folder, { recursive: true });
    const { inPlace: way, results } = parseReport("RestartReport", ran.stdout);
    expect([ran.status, way]).toEqual([0, { pull: false }]);
    expect(results.map(({ kind, code }) => [kind, code]).toSorted()).toEqual([
      ["Deployment", "dry-run"],
      ["Pod", "dry-run"],
    ]);
  });

  test("the plan has the reason of each workload that does not qualify", async ({
    cluster,
    enter,
  }) => {
    const { sandbox, node } = await createReplaceable(cluster, enter, NATIVE);
    const codeIn = async (...args: readonly string[]) => {
      const ran = await run(cluster, ...inPlace(sandbox, "--dry-run", ...args));
      const { workloads, steps } = parseReport("RestartReport", ran.stdout);
      expect([ran.status, steps]).toEqual([0, []]);
      return workloads.map(({ restartCode }) => restartCode);
    };
    await setNodeStatus(cluster, node, { images: [] });
    expect(await codeIn()).toEqual(["in-place-image-unknown", "in-place-image-unknown"]);
    await setNodeStatus(cluster, node, { nodeInfo: { kubeletVersion: "v1.31.9" } });
    expect(await codeIn()).toEqual(["in-place-old-kubelet", "in-place-old-kubelet"]);
    const real = await run(cluster, ...inPlace(sandbox, "--yes"));
    expect(real.status).toBe(5);
    expect(await imagesOf(sandbox)).toEqual([NATIVE.from, NATIVE.from, NATIVE.from]);
    const explained = await run(cluster, "explain", "deploy/web", "-n", sandbox.name);
    expect(explained.stdout).toMatch(/in place {3}no: the kubelet of \S+ is\s+v1\.31\.9/);
  });

  test("an ordinary sidecar keeps its verdict and its restart", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: ORDINARY.name, image: ORDINARY.from });
    await cluster.moveImage(ORDINARY.name, ORDINARY.from);
    const sandbox = await enter({ "istio.io/rev": ORDINARY.name });
    await sandbox.create("deployments", deployment("web", { replicas: 2 }));
    await untilReady(sandbox, 2);
    await cluster.moveImage(ORDINARY.name, ORDINARY.to);
    const ran = await run(cluster, ...inPlace(sandbox, "--yes"));
    expect(ran.status).toBe(5);
    expect(parseReport("RestartReport", ran.stdout).workloads).toMatchObject([
      {
        verdict: "outdated",
        restart: "refused",
        restartCode: "in-place-ordinary-container",
        nextStep: expect.stringContaining(
          "or with a restart: istio-upgrade restart deployment/web",
        ),
      },
    ]);
    expect(await run(cluster, "check", "-n", sandbox.name)).toMatchObject({ status: 2 });
  });

  test.for([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "reports at once after %s, and ends",
    async ([signal, status], { cluster, enter }) => {
      const { sandbox } = await createReplaceable(cluster, enter, NATIVE);
      const args = inPlace(sandbox, "--yes", "--allow-downtime", "--max-parallel", "1");
      const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
      await eventually(async () => expect(running.stderr()).toContain("replacing its sidecars"));
      running.signal(signal);
      if (signal === "SIGINT") {
        await eventually(async () => expect(running.stderr()).toContain("interrupted"));
        running.signal("SIGINT");
      }
      const ran = await running.done;
      const { results } = parseReport("RestartReport", ran.stdout);
      expect([ran.status, results.map(({ code }) => code)]).toEqual([
        status,
        ["interrupted", "interrupted"],
      ]);
    },
  );

  test("is refused without its permissions, by name, and needs no others", async ({
    cluster,
    enter,
  }) => {
    const { sandbox } = await createReplaceable(cluster, enter, NATIVE);
    const grants = grantsOf("in-place", sandbox.name);
    const runAs = async (user: string, missing?: string) => {
      const rules = rulesOf(grants.filter((grant) => nameOf(grant) !== missing));
      const env = { KUBECONFIG: await cluster.userKubeconfig(user, rules) };
      return runProgram(inPlace(sandbox, "--dry-run=server"), env);
    };
    const whole = await runAs("in-place");
    expect([whole.status, parseReport("RestartReport", whole.stdout).gaps]).toEqual([0, []]);
    const missing = await runAs("in-place-without-patch", "patch pods");
    expect([missing.status, missing.stderr]).toEqual([
      1,
      expect.stringContaining(
        `not allowed to patch pods in the namespace "${sandbox.name}" for --in-place, so nothing was restarted`,
      ),
    ]);
    const blind = await runAs("in-place-without-nodes", "list nodes");
    expect([blind.status, blind.stderr]).toEqual([
      1,
      expect.stringContaining("not allowed to list nodes, which --in-place needs"),
    ]);
  });
});
