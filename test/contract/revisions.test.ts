import { describe, expect } from "vitest";
import { deployment } from "../support/manifests.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster, TestRule } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test } from "./sandbox.ts";

/** Only this file uses these revisions: on a shared cluster nothing else may refer to them. */
const FROM = { name: "asm-1-21", image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.21.6-2" };
const TO = { name: "asm-1-22", image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.22.4-1" };

async function runRevisions(cluster: TestCluster, ...args: readonly string[]) {
  const ran = await run(cluster, "revisions", ...args, "--json");
  return { status: ran.status, ...parseReport("RevisionsReport", ran.stdout) };
}

async function setUp(
  cluster: TestCluster,
  enter: (labels?: Readonly<Record<string, string>>) => Promise<Sandbox>,
): Promise<Sandbox> {
  await cluster.installRevision(FROM);
  await cluster.installRevision(TO);
  const sandbox = await enter({ "istio.io/rev": FROM.name });
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(2));
  return sandbox;
}

describe("revisions", () => {
  test("are in use until no label, tag or pod refers to them", async ({ cluster, enter }) => {
    const sandbox = await setUp(cluster, enter);
    const held = await runRevisions(cluster, FROM.name, "--assert-unused");
    expect(held.status).toBe(5);
    expect(held.revisions).toMatchObject([
      {
        revision: FROM.name,
        installed: true,
        image: FROM.image,
        namespaces: [{ name: sandbox.name, label: `istio.io/rev=${FROM.name}`, tag: null }],
        pods: { sidecars: 2, gateways: 0, managed: 0 },
        holders: [
          { kind: "namespaces", releasedBy: "relabelling", count: 1, names: [sandbox.name] },
          {
            kind: "pods",
            releasedBy: "after-relabelling",
            count: 2,
            names: [`${sandbox.name}/deploy/web`],
          },
        ],
      },
    ]);
    expect(held.exitReasons).toEqual(["namespaces:1", "pods:2"]);

    const text = await run(cluster, "revisions", FROM.name, "--assert-unused");
    expect(text.status).toBe(5);
    expect(text.stderr).toBe("");
    // The names may be wrapped.
    expect(text.stdout.replace(/\s+/g, " ")).toContain(
      ` 2 pods, restart after relabelling: ${sandbox.name}/deploy/web -> change the labels`,
    );
    // On a shared cluster, further revisions may be installed, and each of them may be meant.
    expect(text.stdout).toContain(
      `kubectl label namespaces -l istio.io/rev=${FROM.name} istio.io/rev=${TO.name} --overwrite`,
    );
    expect(text.stdout).toContain(
      `: istio-upgrade restart --namespace ${sandbox.name} --revision ${FROM.name} --allow-revision ${TO.name}`,
    );
    expect(text.stdout).toContain(`${FROM.name} is still in use: 1 namespace, 2 pods.\n`);

    await sandbox.relabel({ "istio.io/rev": TO.name });
    const relabelled = await runRevisions(cluster, FROM.name, "--assert-unused");
    expect(relabelled.exitReasons).toEqual(["pods:2"]);
    expect(relabelled.revisions[0]?.holders).toMatchObject([
      {
        releasedBy: "restart",
        release: `istio-upgrade restart --namespace ${sandbox.name} --revision ${FROM.name} --allow-revision ${TO.name}`,
      },
    ]);
    const printed = relabelled.revisions[0]?.holders[0]?.release.split(" ").slice(1) ?? [];
    const restarted = await run(cluster, ...printed, "--yes");
    expect(restarted.status).toBe(0);
    // The old pods may still be terminating.
    await eventually(async () => {
      const left = await run(cluster, "revisions", FROM.name, "--assert-unused");
      expect(left.stdout).toContain(`Nothing uses ${FROM.name}: it can be removed.\n`);
      expect(left.status).toBe(0);
    });

    await cluster.setTag("stage", FROM.name);
    await sandbox.relabel({ "istio.io/rev": "stage" });
    const tagged = await runRevisions(cluster, FROM.name, "--assert-unused");
    expect([tagged.status, tagged.exitReasons]).toEqual([5, ["tags:1"]]);
    expect(tagged.revisions).toMatchObject([
      {
        tags: ["stage"],
        namespaces: [{ name: sandbox.name, label: "istio.io/rev=stage", tag: "stage" }],
      },
    ]);
    // Each command that releases them has the flags of the same cluster.
    const released = await runRevisions(cluster, FROM.name, "--context", "test");
    const commands = released.revisions[0]?.holders[0]?.release.match(
      /istioctl .*? --revision \S+ /g,
    );
    expect(commands).toContain(`istioctl --context test tag set stage --revision ${TO.name} `);
    for (const command of commands ?? []) {
      expect(command).toMatch(/^istioctl --context test tag set stage --revision \S+ $/);
    }
    const byTag = await runRevisions(cluster, "stage");
    expect([byTag.status, byTag.revision, byTag.revisions.length]).toEqual([0, FROM.name, 1]);
    await cluster.removeTag("stage");
  });

  test("are listed without being installed if something refers to them", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision(TO);
    const sandbox = await enter({ "istio.io/rev": "asm-1-09" });
    await sandbox.create(
      "deployments",
      deployment("web", { replicas: 0, labels: { "istio.io/rev": "asm-1-08" } }),
    );
    const all = await runRevisions(cluster);
    expect(all.status).toBe(0);
    const byName = Object.fromEntries(all.revisions.map((entry) => [entry.revision, entry]));
    expect(byName["asm-1-09"]).toMatchObject({ installed: false, ready: null, image: null });
    expect(byName["asm-1-08"]?.holders).toMatchObject([
      { kind: "templates", names: [`${sandbox.name}/deploy/web`] },
    ]);
    expect(byName[TO.name]).toMatchObject({ installed: true, image: TO.image });

    const unknown = await run(cluster, "revisions", "asm-1-07", "--assert-unused");
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain(
      'error: there is no revision or tag "asm-1-07", and nothing refers to it\n',
    );
  });

  test("are in use by every template that names them, even without pods", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision(FROM);
    const sandbox = await enter();
    const template = {
      metadata: { labels: { app: "old", "istio.io/rev": FROM.name } },
      spec: { restartPolicy: "Always", containers: [{ name: "app", image: "app" }] },
    };
    const once = { ...template, spec: { ...template.spec, restartPolicy: "Never" } };
    const create = async (path: string, kind: string, spec: object) => {
      const apiVersion = path.replace(/^\/apis?\//, "").replace(/\/[a-z]+$/, "");
      const [, root = "", resource = ""] = /^(.*)\/([a-z]+)$/.exec(path) ?? [];
      const body = { apiVersion, kind, metadata: { name: "old" }, spec };
      const url = `${root}/namespaces/${sandbox.name}/${resource}`;
      const { status } = await cluster.request("POST", url, { body });
      expect([kind, status]).toEqual([kind, 201]);
    };
    const selector = { matchLabels: { app: "old" } };
    await create("/apis/apps/v1/replicasets", "ReplicaSet", { replicas: 0, selector, template });
    await create("/apis/batch/v1/jobs", "Job", { suspend: true, template: once });
    await create("/api/v1/replicationcontrollers", "ReplicationController", {
      replicas: 0,
      selector: { app: "old" },
      template,
    });
    await create("/apis/batch/v1/cronjobs", "CronJob", {
      schedule: "0 3 1 1 *",
      suspend: true,
      jobTemplate: { spec: { template: once } },
    });
    const held = await runRevisions(cluster, FROM.name, "--assert-unused");
    const kinds = ["cronjob", "replicaset", "replicationcontroller"];
    expect(held.revisions[0]?.holders).toMatchObject([
      {
        kind: "templates",
        releasedBy: "relabelling",
        names: kinds.map((kind) => `${sandbox.name}/${kind}/old`),
      },
      { kind: "templates", releasedBy: "waiting", names: [`${sandbox.name}/job/old`] },
    ]);
    expect([held.status, held.exitReasons]).toEqual([5, ["templates:4"]]);
  });

  test.for<[what: string, place: string | null, client: object]>([
    [
      "in another namespace",
      "istio-system",
      { service: { namespace: "istio-system", name: "istiod-ext", path: "/inject" } },
    ],
    ["outside the cluster", null, { url: "https://istiod.example.com:15017/inject" }],
  ])(
    "are not absent if their control plane is %s",
    async ([, place, client], { cluster, enter }) => {
      // On the real cluster, the namespace of the other case may still be terminating.
      const ext = place === null ? "ext-outside" : "ext-beside";
      await cluster.installRevision(FROM);
      const sandbox = await enter({ "istio.io/rev": ext });
      const path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
      const rule = {
        operations: ["CREATE"],
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["pods"],
      };
      const body = {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "MutatingWebhookConfiguration",
        metadata: { name: ext },
        webhooks: [
          {
            name: "rev.namespace.sidecar-injector.istio.io",
            clientConfig: client,
            rules: [rule],
            failurePolicy: "Ignore",
            sideEffects: "None",
            admissionReviewVersions: ["v1"],
            namespaceSelector: { matchLabels: { "istio.io/rev": ext } },
          },
        ],
      };
      expect((await cluster.request("POST", path, { body })).status).toBe(201);
      try {
        const found = await runRevisions(cluster, ext, "--assert-unused");
        expect(found.revisions).toMatchObject([
          {
            installed: null,
            elsewhere: { namespace: place },
            namespaces: [{ name: sandbox.name }],
          },
        ]);
        expect(found.revisions[0]?.holders[0]?.release).not.toContain("kubectl label");
        expect(found.status).toBe(6);
        const { stdout } = await run(cluster, "revisions", ext);
        expect(stdout).toContain(place === null ? " remote " : ` in namespace ${place} `);
        expect(stdout).not.toContain("absent");
      } finally {
        await cluster.request("DELETE", `${path}/${ext}`);
      }
    },
  );

  test("warn about mesh configuration that the newest revision lacks", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision(FROM);
    // On a shared cluster, a newer revision may be installed, which has no shared ConfigMap.
    await cluster.installRevision(TO);
    await enter();
    const path = "/api/v1/namespaces/aks-istio-system/configmaps";
    const named = (revision: string) => `istio-shared-configmap-${revision}`;
    const create = async (revision: string, mesh: string) => {
      const metadata = { name: named(revision), namespace: "aks-istio-system" };
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { mesh } };
      expect((await cluster.request("POST", path, { body })).status).toBe(201);
    };
    const all = (await runRevisions(cluster)).revisions.filter(({ installed }) => installed);
    const newest = all.map(({ revision }) => revision).at(-1) ?? "";
    try {
      await create(FROM.name, "accessLogFile: /dev/stdout\ndefaultConfig: {drainDuration: 9s}\n");
      const missing = await runRevisions(cluster, FROM.name);
      expect(missing.revisions[0]?.warnings).toMatchObject([{ code: "shared-configmap-missing" }]);
      await create(newest, "defaultConfig: {}\n");
      const { stdout } = await run(cluster, "revisions", FROM.name);
      expect(stdout.replace(/\s+/g, " ")).toContain(
        `WARNINGS ${named(newest)} lacks settings of ${named(FROM.name)}, which pods lose with the revision ${newest}: accessLogFile, defaultConfig.drainDuration -> copy what you still need`,
      );
    } finally {
      for (const revision of [FROM.name, newest])
        await cluster.request("DELETE", `${path}/${named(revision)}`);
    }
  });

  test("fit into a table of 80 columns", async ({ cluster, enter }) => {
    await setUp(cluster, enter);
    // On a shared cluster, other revisions may have longer names and tags.
    const { stdout } = await run(cluster, "revisions", FROM.name);
    const [head = "", row = ""] = stdout.split("\n");
    expect(head).toMatch(/^REVISION +STATE +IMAGE +TAGS +NAMESPACES +PODS +TERMINATING$/);
    expect(row).toMatch(new RegExp(`^${FROM.name} `));
    expect([head, row].filter((line) => line.length > 80)).toEqual([]);
  });

  test("are not reported as unused if something could not be read", async ({ cluster, enter }) => {
    await cluster.installRevision(FROM);
    await enter();
    const all = grantsOf("read-only");
    const check = rulesOf(all.filter(({ resource }) => resource !== "cronjobs"));
    const assertUnused = async (user: string, rules: readonly TestRule[]) => {
      const env = { KUBECONFIG: await cluster.userKubeconfig(user, rules) };
      const args = ["revisions", FROM.name, "--assert-unused", "--json"];
      return runProgram(args, env);
    };
    const lacking = await assertUnused("checker", check);
    expect(lacking.status).toBe(6);
    expect(parseReport("RevisionsReport", lacking.stdout)).toMatchObject({
      complete: false,
      gaps: [{ what: "list cronjobs.batch", reason: "forbidden" }],
      // A namespace of an earlier test may still be terminating and refer to the revision, too.
      exitReasons: expect.arrayContaining(["gaps:1"]),
    });
    await eventually(async () => {
      const whole = await assertUnused("upgrader", rulesOf(all));
      expect(parseReport("RevisionsReport", whole.stdout)).toMatchObject({ gaps: [] });
      expect(whole.status).toBe(0);
    });
  });
});
