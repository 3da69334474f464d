import { describe, expect } from "vitest";
import { withoutAges } from "../support/ages.ts";
import { daemonSet, deployment, pod, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { eventually, run, type Sandbox, test } from "./sandbox.ts";

const OLD = "mcr.microsoft.com/oss/istio/proxyv2:1.17.1-distroless";
const NEW = "mcr.microsoft.com/oss/istio/proxyv2:1.17.2-distroless";

async function untilPods(sandbox: Sandbox, count: number): Promise<readonly string[]> {
  let names: readonly string[] = [];
  await eventually(async () => {
    names = (await sandbox.pods()).map(({ metadata }) => metadata.name);
    expect(names).toHaveLength(count);
  });
  return names;
}

describe("explain", () => {
  test("leads from the labels to the verdict, with the exit code of check", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web", { replicas: 2 }));
    await untilPods(sandbox, 2);
    await cluster.moveImage("asm-1-17", NEW);

    const ran = await run(cluster, "explain", "deploy/web", "-n", sandbox.name, "--json");
    const document = parseReport("Explanation", ran.stdout);
    expect(ran.status).toBe(2);
    expect(document).toMatchObject({
      subject: { namespace: sandbox.name, kind: "Deployment", name: "web", pod: null },
      verdict: "outdated",
      code: "image-differs",
      nextStep: `istio-upgrade restart deployment/web --namespace ${sandbox.name}`,
      complete: true,
      exitReasons: ["outdated:1"],
    });
    const steps = document.steps.map(({ step, subject, result }) => [step, subject, result]);
    const webhook = "istio-sidecar-injector-asm-1-17-aks-istio-system";
    expect(steps).toContainEqual([
      "webhook",
      `${webhook}/rev.namespace.sidecar-injector.istio.io`,
      "matched",
    ]);
    expect(steps).toContainEqual([
      "webhook",
      `${webhook}/rev.object.sidecar-injector.istio.io`,
      "not-matched",
    ]);
    expect(steps).toContainEqual([
      "revision",
      "service aks-istio-system/istiod-asm-1-17",
      "asm-1-17",
    ]);
    expect(steps).toContainEqual([
      "target",
      "configmap/istio-sidecar-injector-asm-1-17",
      "injected",
    ]);
    expect(steps.at(-1)).toEqual(["pods", "2 of 2", "patch"]);

    const checked = await run(cluster, "check", "--drift", "-n", sandbox.name, "--json");
    const { workloads } = parseReport("CheckReport", checked.stdout);
    expect(workloads.map(withoutAges)).toEqual([document.workload].map(withoutAges));
    expect(checked.status).toBe(ran.status);
    // The output is for people, so there is no RESULT line.
    expect(ran.stderr).toBe("");
  });

  test("finds the workload of a pod through its owners, and adds a step for the pod", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: NEW });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web"));
    await sandbox.create("statefulsets", statefulSet("db"));
    await sandbox.create("pods", pod("single"));
    const names = await untilPods(sandbox, 3);

    for (const name of names) {
      const ran = await run(cluster, "explain", `pod/${name}`, "-n", sandbox.name, "--json");
      expect(ran.status).toBe(0);
      const { subject, verdict, steps } = parseReport("Explanation", ran.stdout);
      const owner = ["web", "db", "single"].find((prefix) => name.startsWith(prefix));
      expect([subject.name, subject.pod, verdict]).toEqual([owner, name, "current"]);
      expect(steps.at(-1)).toMatchObject({ step: "pod", subject: `pod/${name}` });
      expect(steps.at(-1)?.detail).toContain(`${NEW} of asm-1-17`);
    }
  });

  test("takes every kind and name that check prints", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: NEW });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web"));
    await sandbox.create("statefulsets", statefulSet("db"));
    await sandbox.create("daemonsets", daemonSet("agent"));
    const { spec } = deployment("alone");
    const alone = { kind: "ReplicaSet", apiVersion: "apps/v1", metadata: { name: "alone" }, spec };
    await sandbox.create("replicasets", alone);
    await sandbox.create("pods", pod("single"));
    const owners = [
      { apiVersion: "core.strimzi.io/v1beta2", kind: "StrimziPodSet", name: "kafka" },
      { apiVersion: "apps.kruise.io/v1beta1", kind: "StatefulSet", name: "db" },
    ];
    for (const [index, owner] of owners.entries()) {
      const { metadata, ...rest } = pod(`owned-${index}`);
      const uid = `${index}2222222-2222-4222-8222-222222222222`;
      const ownerReferences = [{ ...owner, uid, controller: true }];
      await sandbox.create("pods", {
        ...rest,
        metadata: { ...(metadata as object), ownerReferences },
      });
    }
    const kinds = [
      "DaemonSet",
      "Deployment",
      "Pod",
      "ReplicaSet",
      "StatefulSet",
      "StatefulSet.apps.kruise.io",
      "StrimziPodSet",
    ];
    const args = ["-n", sandbox.name, "--json"];
    await eventually(async () => {
      const { stdout } = await run(cluster, "check", ...args);
      const { workloads } = parseReport("CheckReport", stdout);
      expect(workloads.map(({ kind }) => kind).sort()).toEqual(kinds);
      expect(new Set(workloads.map(({ verdict }) => verdict))).toEqual(new Set(["current"]));
    });
    const { stdout } = await run(cluster, "check", "--drift", ...args);
    const { workloads } = parseReport("CheckReport", stdout);
    const explained = await Promise.all(
      workloads.map(async ({ kind, name }, index) => {
        const named = index % 2 === 0 ? kind : kind.toLowerCase();
        const ran = await run(cluster, "explain", `${named}/${name}`, ...args);
        return [ran.status, parseReport("Explanation", ran.stdout).workload];
      }),
    );
    expect(explained).toEqual(workloads.map((workload) => [0, workload]));
  });

  test("judges the template of an owner that has no pods", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: NEW });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    const { spec } = deployment("idle", { replicas: 0 }) as {
      spec: { template: { spec: object } };
    };
    const once = {
      ...spec.template,
      spec: { ...spec.template.spec, restartPolicy: "Never" },
    };
    const labels = { "sidecar.istio.io/inject": "false" };
    const optedOut = { ...once, metadata: { labels } };
    const schedule = { schedule: "0 3 1 1 *", suspend: true };
    const objects = [
      [
        "/apis/batch/v1",
        "CronJob",
        "idle",
        { ...schedule, jobTemplate: { spec: { template: once } } },
      ],
      [
        "/apis/batch/v1",
        "CronJob",
        "out",
        { ...schedule, jobTemplate: { spec: { template: optedOut } } },
      ],
      ["/apis/batch/v1", "Job", "idle", { suspend: true, template: once }],
      ["/apis/apps/v1", "ReplicaSet", "idle", spec],
      ["/api/v1", "ReplicationController", "idle", { ...spec, selector: { app: "idle" } }],
    ] as const;
    for (const [root, kind, name, content] of objects) {
      const path = `${root}/namespaces/${sandbox.name}/${kind.toLowerCase()}s`;
      const body = { kind, metadata: { name }, spec: content };
      expect(await cluster.request("POST", path, { body })).toMatchObject({ status: 201 });
    }
    const answers = await Promise.all(
      objects.map(async ([, kind, name]) => {
        const args = [`${kind.toLowerCase()}/${name}`, "-n", sandbox.name, "--json"];
        const ran = await run(cluster, "explain", ...args);
        const { subject, verdict, code, reason } = parseReport("Explanation", ran.stdout);
        return [ran.status, subject.kind, subject.name, verdict, code, reason];
      }),
    );
    const reason = `has no live pod; a new one would get ${NEW} of asm-1-17`;
    const idle = ["idle", "current", "no-live-pods", reason];
    expect(answers).toEqual([
      [0, "CronJob", ...idle],
      [0, "CronJob", "out", null, "inject-false", expect.any(String)],
      [0, "Job", ...idle],
      [0, "ReplicaSet", ...idle],
      [0, "ReplicationController", ...idle],
    ]);
  });

  test("follows a tag", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: NEW });
    await cluster.setTag("canary", "asm-1-17");
    const sandbox = await enter({ "istio.io/rev": "canary" });
    await sandbox.create("deployments", deployment("web"));
    await untilPods(sandbox, 1);
    const ran = await run(cluster, "explain", "deploy/web", "-n", sandbox.name);
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain(`${sandbox.name}/deploy/web: current\n`);
    const text = ran.stdout.replace(/\s+/g, " ");
    expect(text).toContain("rev.namespace: selects the pod, by the tag canary");
    expect(text).toContain("revision asm-1-17 (REVISION of deployment/istiod-asm-1-17, ");
    await cluster.removeTag("canary");
  });

  test("says why a workload is outside the mesh", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: NEW });
    const sandbox = await enter();
    await sandbox.create("deployments", deployment("plain"));
    await untilPods(sandbox, 1);
    const ran = await run(cluster, "explain", "deploy/plain", "-n", sandbox.name, "--json");
    expect(ran.status).toBe(0);
    expect(parseReport("Explanation", ran.stdout)).toMatchObject({
      verdict: null,
      workload: null,
      code: "no-label",
      exitReasons: [],
    });
  });

  test("names the failed requirement if a restart would lose the sidecar", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: NEW });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web"));
    await untilPods(sandbox, 1);
    await sandbox.relabel({ "istio.io/rev": "asm-1-16" });
    const ran = await run(cluster, "explain", "deploy/web", "-n", sandbox.name, "--json");
    expect(ran.status).toBe(5);
    const { verdict, code, steps } = parseReport("Explanation", ran.stdout);
    expect([verdict, code]).toEqual(["would-lose", "revision-gone"]);
    expect(steps.map(({ detail }) => detail)).toContain(
      "the namespace does not match istio.io/rev in (asm-1-17)",
    );
  });

  test("rejects a workload or pod that does not exist", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: NEW });
    const sandbox = await enter();
    const gone = await run(cluster, "explain", "deploy/gone", "-n", sandbox.name);
    expect(gone).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `error: deployment/gone does not exist in the namespace "${sandbox.name}", or has no pods there\n` +
        `see what exists: kubectl get deployment -n ${sandbox.name}\n`,
    });
    const noPod = await run(cluster, "explain", "pod/gone", "-n", sandbox.name);
    expect(noPod).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `error: pod/gone does not exist in the namespace "${sandbox.name}"\n` +
        `see what exists: kubectl get pods -n ${sandbox.name}\n`,
    });
  });
});
