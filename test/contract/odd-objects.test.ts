import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { argoRollout, deployment, pod } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-96";
const [OLD, NEW] = [proxyImage("v1.96.1-1"), proxyImage("v1.96.2-1")];

/** The annotation of the attack: a container whose fields are nested so deep that no JSON writer copes. */
const DEEP_OVERRIDES = `{"containers":[{"name":"istio-proxy","image":"auto","env":${"[".repeat(6000)}${"]".repeat(6000)}}]}`;

describe("a pod with a deeply nested annotation", () => {
  async function annotated(cluster: TestCluster, sandbox: Sandbox) {
    await sandbox.create("deployments", deployment("web"));
    await sandbox.create("pods", pod("deep"));
    await untilReady(sandbox, 2);
    const annotations = { "proxy.istio.io/overrides": DEEP_OVERRIDES };
    expect((await sandbox.patch("pods", "deep", { metadata: { annotations } })).status).toBe(200);
    await cluster.moveImage(REVISION, NEW);
  }

  test("is unknown, and the rest is checked, verified, explained and restarted", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await annotated(cluster, sandbox);
    const always = ["-n", sandbox.name, "--prove=always", "--json"];
    const deep = {
      kind: "Pod",
      name: "deep",
      verdict: "unknown",
      code: "unexpected-error",
      reason: expect.stringContaining("Maximum call stack size exceeded"),
    };

    const checked = await run(cluster, "check", ...always);
    expect(parseReport("CheckReport", checked.stdout)).toMatchObject({
      complete: false,
      workloads: [{ name: "web", verdict: "outdated" }, deep],
      exitReasons: ["outdated:1", "unknown:1"],
    });
    expect(checked.status).toBe(2);
    const explained = await run(cluster, "explain", "pod/deep", ...always);
    expect(parseReport("Explanation", explained.stdout)).toMatchObject({
      verdict: "unknown",
      code: "unexpected-error",
    });
    expect(explained.status).toBe(6);

    const restarted = await run(cluster, "restart", ...always, "--yes");
    expect(parseReport("RestartReport", restarted.stdout)).toMatchObject({
      results: [{ name: "web", outcome: "restarted" }],
      workloads: [{ name: "web", verdict: "current" }, deep],
    });
    expect(restarted.status).toBe(6);
    const verified = await run(cluster, "verify", ...always);
    expect(parseReport("VerifyReport", verified.stdout).workloads).toMatchObject([{}, deep]);
    expect(verified.status).toBe(6);
    expect(verified.stderr).not.toContain("this is a bug");
  });
});

test("a Rollout with volumes that are no list is unknown, and the rest is restarted", async ({
  cluster,
  enter,
}) => {
  await cluster.installArgoRollouts();
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("deployments", deployment("web"));
  await sandbox.create("rollouts", argoRollout("odd", { replicas: 2 }));
  await untilReady(sandbox, 3);
  await eventually(async () =>
    expect((await sandbox.get("rollouts", "odd")).status?.phase).toBe("Healthy"),
  );
  // The definition of Rollouts accepts any object here, although no pod has such a field.
  const spec = { template: { spec: { volumes: {} } } };
  expect((await sandbox.patch("rollouts", "odd", { spec })).status).toBe(200);
  await cluster.moveImage(REVISION, NEW);
  const odd = {
    kind: "Rollout",
    name: "odd",
    verdict: "unknown",
    code: "template-malformed",
    reason: "the pod template is malformed: spec.template.spec.volumes is not a list",
  };
  const all = ["-n", sandbox.name, "--json"];

  const checked = await run(cluster, "check", ...all);
  expect(parseReport("CheckReport", checked.stdout).workloads).toMatchObject([
    { name: "web", verdict: "outdated" },
    odd,
  ]);
  expect(checked.status).toBe(2);
  const explained = await run(cluster, "explain", "rollout/odd", ...all);
  expect(parseReport("Explanation", explained.stdout)).toMatchObject({ code: odd.code });
  expect(explained.status).toBe(6);

  const restarted = await run(cluster, "restart", ...all, "--yes");
  expect(parseReport("RestartReport", restarted.stdout)).toMatchObject({
    results: [{ name: "web", outcome: "restarted" }],
    workloads: [{ name: "web", verdict: "current" }, odd],
  });
  expect(restarted.status).toBe(6);
  const verified = await run(cluster, "verify", ...all);
  expect(verified.status).toBe(6);
  expect(verified.stderr).toMatch(/RESULT exit=6 .*unknown=1/);
});
