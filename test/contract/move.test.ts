import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import { eventually, RESTARTED_AT, run, type Sandbox, test, untilReady } from "./sandbox.ts";

// A hindrance has 30 seconds, and the machine may be slow.
vi.setConfig({ testTimeout: 180_000 });

/** Only this file uses these revisions and these tags. */
const OLD = { name: "asm-1-33", image: proxyImage("v1.33.1-1") };
const NEW = { name: "asm-1-34", image: proxyImage("v1.34.0-2") };
const [STABLE, CANARY] = ["ring-stable", "ring-canary"];
const REVISION = "istio.io/rev";

async function labelOf(cluster: TestCluster, { name }: Sandbox): Promise<string> {
  const { body } = await cluster.request("GET", `/api/v1/namespaces/${name}`);
  return body.metadata.labels[REVISION];
}

async function revisionsOf(sandbox: Sandbox): Promise<readonly string[]> {
  const pods = await sandbox.pods();
  return [...new Set(pods.map(({ metadata }) => metadata.annotations[REVISION]))].sort();
}

/** Writes the label as a field manager does. */
async function labelAs(
  cluster: TestCluster,
  { name }: Sandbox,
  manager: string,
  value: string,
): Promise<void> {
  const body = { metadata: { labels: { [REVISION]: value } } };
  const contentType = "application/merge-patch+json";
  const path = `/api/v1/namespaces/${name}?fieldManager=${manager}`;
  expect((await cluster.request("PATCH", path, { body, contentType })).status).toBe(200);
}

async function move(cluster: TestCluster, ...args: readonly string[]) {
  const ran = await run(cluster, "move", ...args, "--yes", "--json");
  return { ...ran, report: () => parseReport("RestartReport", ran.stdout) };
}

async function installBoth(cluster: TestCluster): Promise<void> {
  await cluster.installRevision(OLD);
  await cluster.installRevision(NEW);
}

/**
 * Starts to move two namespaces, one workload at a time.
 *
 * @param workloads 1 for each namespace with a workload, whose pod takes four seconds to be ready.
 * @returns when the first restart was sent.
 */
async function startMoveOfTwo(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  workloads: readonly [0 | 1, 0 | 1],
) {
  await installBoth(cluster);
  const slow = { annotations: { [POD_BEHAVIOUR.readyAfter]: "4s" } };
  const one = await enter({ [REVISION]: OLD.name });
  const two = await enter({ [REVISION]: OLD.name });
  for (const [index, sandbox] of [one, two].entries()) {
    if (workloads[index] === 0) continue;
    await sandbox.create("deployments", deployment("web", slow));
    await untilReady(sandbox, 1);
  }
  const args = ["move", one.name, two.name, "--to", NEW.name, "--yes", "--json"];
  const running = startProgram([...args, "--max-parallel", "1"], {
    KUBECONFIG: cluster.kubeconfig,
  });
  await eventually(async () => expect(running.stderr()).toContain("/deploy/web: restarting"));
  return { one, two, running };
}

describe("move", () => {
  test("labels a namespace, restarts what lags, and goes back", async ({ cluster, enter }) => {
    await cluster.installRevision(OLD);
    await cluster.installRevision(NEW);
    const shop = await enter({ [REVISION]: OLD.name });
    await shop.create("deployments", deployment("web", { replicas: 2 }));
    await shop.create("statefulsets", statefulSet("db", { replicas: 2 }));
    await untilReady(shop, 4);
    const empty = await enter({ [REVISION]: OLD.name });
    const names = [shop.name, empty.name];

    const planned = await run(cluster, "move", ...names, "--to", NEW.name, "--dry-run", "--json");
    expect([planned.status, planned.stderr]).toEqual([0, expect.anything()]);
    const plan = parseReport("RestartReport", planned.stdout);
    expect(plan).toMatchObject({
      move: { to: NEW.name, revision: NEW.name, direction: "forward", wayBack: "" },
      namespaces: [
        {
          name: shop.name,
          from: OLD.name,
          to: NEW.name,
          outcome: "planned",
          pods: { [OLD.name]: 4 },
        },
        { name: empty.name, from: OLD.name, outcome: "planned" },
      ],
      steps: [
        { name: "web", change: "minor" },
        { name: "db", change: "minor" },
      ],
      nextStep: `istio-upgrade move ${names.join(" ")} --to ${NEW.name}`,
    });
    expect(await labelOf(cluster, shop)).toBe(OLD.name);

    const moved = await run(cluster, "move", ...names, "--to", NEW.name, "--yes", "--json");
    expect([moved.status, moved.stderr]).toEqual([0, expect.anything()]);
    const report = parseReport("RestartReport", moved.stdout);
    expect(report).toMatchObject({
      namespaces: [
        { from: OLD.name, outcome: "labelled", pods: { [NEW.name]: 4 } },
        { from: OLD.name, outcome: "labelled", pods: {} },
      ],
      results: [{ outcome: "restarted" }, { outcome: "restarted" }],
      move: { wayBack: `istio-upgrade move ${names.join(" ")} --to ${OLD.name}` },
      nextStep: "",
    });
    expect(await labelOf(cluster, shop)).toBe(NEW.name);
    expect(await labelOf(cluster, empty)).toBe(NEW.name);
    expect(await revisionsOf(shop)).toEqual([NEW.name]);

    const again = await run(cluster, "move", ...names, "--to", NEW.name, "--yes", "--json");
    expect(again.status).toBe(0);
    expect(parseReport("RestartReport", again.stdout)).toMatchObject({
      namespaces: [{ outcome: "unchanged" }, { outcome: "unchanged" }],
      results: [],
    });

    const back = report.move?.wayBack.split(" ").slice(1) ?? [];
    const returned = await run(cluster, ...back, "--yes", "--json");
    expect([returned.status, returned.stderr]).toEqual([0, expect.anything()]);
    expect(await labelOf(cluster, shop)).toBe(OLD.name);
    expect(await revisionsOf(shop)).toEqual([OLD.name]);
  });

  test("moves the namespaces that a selector matches when it begins", async ({
    cluster,
    enter,
  }) => {
    await installBoth(cluster);
    const labels = { [REVISION]: OLD.name, "example.com/ring": "first" };
    const [one, two] = [await enter(labels), await enter(labels)];
    const other = await enter({ [REVISION]: OLD.name, "example.com/ring": "second" });
    for (const sandbox of [one, two, other]) {
      await sandbox.create("deployments", deployment("web"));
      await untilReady(sandbox, 1);
    }
    const names = [one.name, two.name].sort();
    // The move itself changes a label that this selector is about.
    const ring = ["--namespace-selector", `example.com/ring=first,${REVISION}=${OLD.name}`];

    const planned = await run(cluster, "move", ...ring, "--to", NEW.name, "--dry-run", "--json");
    expect(parseReport("RestartReport", planned.stdout)).toMatchObject({
      scope: { namespaces: names, namespaceSelector: null },
      namespaces: names.map((name) => ({ name, outcome: "planned" })),
      nextStep: `istio-upgrade move ${names.join(" ")} --to ${NEW.name}`,
    });

    const moved = await move(cluster, ...ring, "--to", NEW.name, "--context", "test");
    expect([moved.status, moved.stderr]).toEqual([0, expect.anything()]);
    expect(moved.report()).toMatchObject({
      results: names.map((namespace) => ({ namespace, outcome: "restarted" })),
      namespaces: names.map((name) => ({ name, outcome: "labelled" })),
      move: { wayBack: `istio-upgrade move --context test ${names.join(" ")} --to ${OLD.name}` },
    });
    expect(await Promise.all([one, two, other].map(revisionsOf))).toEqual([
      [NEW.name],
      [NEW.name],
      [OLD.name],
    ]);

    const again = await run(cluster, "move", ...ring, "--to", NEW.name, "--dry-run");
    expect([again.status, again.stderr]).toEqual([
      64,
      expect.stringContaining(
        `error: no namespace matches --namespace-selector ${ring[1]}\nsee their labels: kubectl get namespaces --show-labels\n`,
      ),
    ]);
  });

  test("rejects names that do not exist, and flags that are missing", async ({
    cluster,
    enter,
  }) => {
    await installBoth(cluster);
    const shop = await enter({ [REVISION]: OLD.name });
    const cases = [
      [
        [shop.name, "--to", "asm-1-99"],
        '--to "asm-1-99" is neither an installed revision nor a tag',
      ],
      [["no-such-place", "--to", NEW.name], 'the namespace "no-such-place" does not exist'],
      [["--to", NEW.name], "move needs a namespace"],
      [[shop.name], "move needs --to, the revision or the tag"],
      [["Shop", "--to", NEW.name], "is not a valid namespace name"],
    ] as const;
    for (const [args, message] of cases) {
      const ran = await run(cluster, "move", ...args, "--yes");
      expect([ran.status, ran.stderr]).toEqual([64, expect.stringContaining(message)]);
    }
    expect(await labelOf(cluster, shop)).toBe(OLD.name);
  });

  test("refuses namespaces that do not lead to a revision by the label", async ({
    cluster,
    enter,
  }) => {
    await installBoth(cluster);
    const bare = await enter();
    const injected = await enter({ "istio-injection": "enabled" });
    const shop = await enter({ [REVISION]: OLD.name });
    const ran = await move(cluster, bare.name, injected.name, shop.name, "--to", NEW.name);
    expect(ran.status).toBe(5);
    expect(ran.report()).toMatchObject({
      exitReasons: ["refused:2"],
      results: [],
      nextStep: "",
      namespaces: [
        { outcome: "refused", code: "not-in-mesh" },
        { outcome: "refused", code: "injection-label" },
        { outcome: "planned", code: "" },
      ],
    });
    expect(await labelOf(cluster, shop)).toBe(OLD.name);
    const own = await move(cluster, "aks-istio-system", "--to", NEW.name);
    expect([own.status, own.report().namespaces]).toMatchObject([
      5,
      [{ code: "reserved-namespace" }],
    ]);

    const dropped = await move(cluster, injected.name, "--to", NEW.name, "--drop-injection-label");
    expect(dropped.status).toBe(0);
    expect(dropped.report().namespaces).toMatchObject([
      { outcome: "labelled", from: null, injection: "enabled" },
    ]);
    const { body } = await cluster.request("GET", `/api/v1/namespaces/${injected.name}`);
    expect(body.metadata.labels).not.toHaveProperty("istio-injection");
    expect(body.metadata.labels[REVISION]).toBe(NEW.name);
  });

  test("flips no tag, and names every namespace that follows it", async ({ cluster, enter }) => {
    await installBoth(cluster);
    await cluster.setTag(STABLE, OLD.name);
    const [one, two] = [await enter({ [REVISION]: STABLE }), await enter({ [REVISION]: STABLE })];
    await one.create("deployments", deployment("web"));
    await untilReady(one, 1);
    const ran = await move(cluster, one.name, "--to", NEW.name);
    expect(ran.status).toBe(5);
    const both = [one.name, two.name].sort().join(" ");
    expect(ran.report().namespaces).toMatchObject([
      {
        outcome: "refused",
        code: "follows-tag",
        message: expect.stringContaining(`with it move: ${two.name}`),
        nextStep: `move the tag, then the pods: istioctl tag set ${STABLE} --revision ${NEW.name} --istioNamespace aks-istio-system --overwrite && istio-upgrade move ${both} --to ${NEW.name}`,
      },
    ]);
    expect(await labelOf(cluster, one)).toBe(STABLE);

    await cluster.setTag(STABLE, NEW.name);
    const after = await move(cluster, one.name, two.name, "--to", NEW.name);
    expect(after.status).toBe(0);
    expect(after.report()).toMatchObject({
      namespaces: [{ outcome: "unchanged" }, { outcome: "unchanged" }],
      results: [{ name: "web", outcome: "restarted" }],
    });
    expect(after.report().move?.wayBack).toBe(
      `istioctl tag set ${STABLE} --revision ${OLD.name} --istioNamespace aks-istio-system --overwrite && istio-upgrade move ${one.name} --to ${OLD.name}`,
    );
    expect(await revisionsOf(one)).toEqual([NEW.name]);
    await cluster.removeTag(STABLE);
  });

  test("moves a namespace onto a tag, and back to its revision", async ({ cluster, enter }) => {
    await installBoth(cluster);
    await cluster.setTag(CANARY, NEW.name);
    const shop = await enter({ [REVISION]: OLD.name });
    await shop.create("deployments", deployment("web"));
    await untilReady(shop, 1);
    const onto = await move(cluster, shop.name, "--to", CANARY);
    expect(onto.status).toBe(0);
    expect([await labelOf(cluster, shop), await revisionsOf(shop)]).toEqual([CANARY, [NEW.name]]);
    const back = onto.report().move?.wayBack.split(" ").slice(2) ?? [];
    expect(back).toEqual([shop.name, "--to", OLD.name]);
    expect((await move(cluster, ...back)).status).toBe(0);
    expect([await labelOf(cluster, shop), await revisionsOf(shop)]).toEqual([OLD.name, [OLD.name]]);
    await cluster.removeTag(CANARY);
  });

  test("does not fight the owner of a label, and waits for it", async ({ cluster, enter }) => {
    await installBoth(cluster);
    const shop = await enter({ [REVISION]: OLD.name });
    await shop.create("deployments", deployment("web"));
    await untilReady(shop, 1);
    await labelAs(cluster, shop, "kustomize-controller", "asm-1-0");
    await labelAs(cluster, shop, "kustomize-controller", OLD.name);
    const ran = await move(cluster, shop.name, "--to", NEW.name);
    expect(ran.status).toBe(5);
    expect(ran.report().namespaces).toMatchObject([
      {
        code: "label-owned",
        message: expect.stringContaining("kustomize-controller owns the label"),
        nextStep: expect.stringContaining(
          `istio-upgrade move ${shop.name} --to ${NEW.name} --wait-for-label 30m`,
        ),
      },
    ]);
    expect(await labelOf(cluster, shop)).toBe(OLD.name);

    const asked = ["move", shop.name, "--to", NEW.name, "--wait-for-label", "5m", "--yes"];
    const interrupted = startProgram(asked, { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () =>
      expect(interrupted.stderr()).toContain("does not lead to asm-1-34 yet"),
    );
    interrupted.signal("SIGINT");
    expect((await interrupted.done).status).toBe(130);

    const late = await move(cluster, shop.name, "--to", NEW.name, "--wait-for-label", "1s");
    expect([late.status, late.report().exitReasons]).toEqual([4, ["not-labelled:1"]]);

    const args = [shop.name, "--to", NEW.name, "--wait-for-label", "2m", "--yes", "--json"];
    const waiting = startProgram(["move", ...args], { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () => expect(waiting.stderr()).toContain("does not lead to asm-1-34"));
    await labelAs(cluster, shop, "kustomize-controller", NEW.name);
    const done = await waiting.done;
    expect([done.status, done.stderr]).toEqual([0, expect.anything()]);
    expect(parseReport("RestartReport", done.stdout)).toMatchObject({
      namespaces: [{ outcome: "unchanged" }],
      results: [{ outcome: "restarted" }],
    });
  });

  test("stops if somebody takes the label back, and says so", async ({ cluster, enter }) => {
    await installBoth(cluster);
    const shop = await enter({ [REVISION]: OLD.name });
    const slow = { annotations: { [POD_BEHAVIOUR.readyAfter]: "4s" } };
    await shop.create("deployments", deployment("first", slow));
    await shop.create("deployments", deployment("second", slow));
    await untilReady(shop, 2);
    const args = [shop.name, "--to", NEW.name, "--yes", "--json", "--max-parallel", "1"];
    const running = startProgram(["move", ...args], { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () => expect(running.stderr()).toContain("/deploy/first: restarting"));
    await eventually(async () => expect(await revisionsOf(shop)).toContain(NEW.name));
    await shop.relabel({ [REVISION]: OLD.name });
    const ran = await running.done;
    expect(ran.status).toBe(4);
    expect(parseReport("RestartReport", ran.stdout)).toMatchObject({
      exitReasons: expect.arrayContaining(["label-changed:1"]),
      results: [
        { name: "first", outcome: "restarted" },
        { name: "second", outcome: "not-started", code: "label-changed" },
      ],
      namespaces: [{ outcome: "label-changed", from: OLD.name }],
    });
  });

  test("labels one namespace after the other, and is resumed after an interrupt", async ({
    cluster,
    enter,
  }) => {
    const { one, two, running } = await startMoveOfTwo(cluster, enter, [1, 1]);
    const labels = [await labelOf(cluster, one), await labelOf(cluster, two)];
    expect(labels.toSorted()).toEqual([OLD.name, NEW.name]);
    running.signal("SIGINT");
    const ran = await running.done;
    expect(ran.status).toBe(130);
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.namespaces?.map(({ outcome }) => outcome).toSorted()).toEqual([
      "labelled",
      "not-labelled",
    ]);
    expect(report.nextStep).toBe(`istio-upgrade move ${one.name} ${two.name} --to ${NEW.name}`);
    const resumed = await move(cluster, one.name, two.name, "--to", NEW.name);
    expect(resumed.status).toBe(0);
    expect(resumed.report().results).toHaveLength(1);
    expect(await revisionsOf(one)).toEqual([NEW.name]);
    expect(await revisionsOf(two)).toEqual([NEW.name]);
  });

  test.for([
    ["a namespace with a workload", [1, 1]],
    ["a namespace without workloads", [1, 0]],
  ] as const)(
    "labels no more after an interrupt, although the control plane becomes ready: %s",
    async ([, workloads], { cluster, enter }) => {
      const { one, two, running } = await startMoveOfTwo(cluster, enter, workloads);
      const istiod = `/apis/apps/v1/namespaces/aks-istio-system/deployments/istiod-${NEW.name}`;
      const annotations = {
        [POD_BEHAVIOUR.readyAfter]: "25s",
        [RESTARTED_AT]: new Date().toISOString(),
      };
      const body = { spec: { template: { metadata: { annotations } } } };
      const contentType = "application/strategic-merge-patch+json";
      expect((await cluster.request("PATCH", istiod, { body, contentType })).status).toBe(200);
      const waiting = `waiting: the control plane istiod-${NEW.name} is not ready`;
      await eventually(async () => expect(running.stderr()).toContain(waiting));
      running.signal("SIGINT");
      const ran = await running.done;
      expect(ran.status).toBe(130);
      expect(ran.stderr.split(waiting)).toHaveLength(2);
      const { namespaces } = parseReport("RestartReport", ran.stdout);
      expect(namespaces?.map(({ outcome }) => outcome).toSorted()).toEqual([
        "labelled",
        "not-labelled",
      ]);
      await eventually(async () => {
        const { status } = (await cluster.request("GET", istiod)).body;
        const { updatedReplicas, replicas, availableReplicas } = status;
        expect([updatedReplicas, replicas, availableReplicas]).toEqual([1, 1, 1]);
      }, 60_000);
      const labels = [await labelOf(cluster, one), await labelOf(cluster, two)];
      expect(labels.toSorted()).toEqual([OLD.name, NEW.name]);
    },
  );

  test("refuses a move that would lose a sidecar or the shared ConfigMap", async ({
    cluster,
    enter,
  }) => {
    await installBoth(cluster);
    const shop = await enter({ [REVISION]: OLD.name });
    await shop.create("deployments", deployment("web"));
    await untilReady(shop, 1);
    const path = "/api/v1/namespaces/aks-istio-system/configmaps";
    const name = `istio-shared-configmap-${OLD.name}`;
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { mesh: "{}" } };
    expect((await cluster.request("POST", path, { body })).status).toBe(201);
    const ran = await move(cluster, shop.name, "--to", NEW.name);
    expect(ran.status).toBe(5);
    expect(ran.report().namespaces).toMatchObject([{ code: "shared-configmap-missing" }]);
    expect(await labelOf(cluster, shop)).toBe(OLD.name);
    await cluster.request("DELETE", `${path}/${name}`);

    // A pod that opted out after it was injected has a sidecar, and would have none.
    await shop.create("deployments", deployment("api"));
    await untilReady(shop, 2);
    const selector = { "sidecar.istio.io/inject": "false" };
    const paused = { paused: true, template: { metadata: { labels: selector } } };
    await shop.patch("deployments", "api", { spec: paused });
    const lost = await move(cluster, shop.name, "--to", NEW.name);
    expect([lost.status, lost.report().namespaces]).toMatchObject([
      5,
      [{ outcome: "refused", code: "would-lose", message: expect.stringContaining("api") }],
    ]);
    expect(await labelOf(cluster, shop)).toBe(OLD.name);
    const args = [shop.name, "--to", NEW.name, "--exclude", "deploy/api"];
    expect((await move(cluster, ...args)).status).toBe(0);
  });

  test("goes back from a revision whose pods do not start", async ({ cluster, enter }) => {
    await installBoth(cluster);
    const shop = await enter({ [REVISION]: OLD.name });
    const annotations = {
      [POD_BEHAVIOUR.failRestarted]: "CrashLoopBackOff",
      [POD_BEHAVIOUR.failOf]: NEW.name,
    };
    const unready = { ...annotations, [POD_BEHAVIOUR.failRestarted]: "Unready" };
    await shop.create("deployments", deployment("web", { replicas: 2, annotations }));
    await shop.create("deployments", deployment("slow", { replicas: 2, annotations: unready }));
    const alone = { annotations, spec: { strategy: { type: "Recreate" } } };
    await shop.create("deployments", deployment("alone", alone));
    await untilReady(shop, 5);
    const flags = ["--max-failures", "3", "--timeout", "20s"];
    const broken = await move(cluster, shop.name, "--to", NEW.name, ...flags, "--allow-downtime");
    expect([broken.status, broken.stderr]).toEqual([3, expect.anything()]);
    const report = broken.report();
    expect(report.results.map(({ outcome }) => outcome)).not.toContain("restarted");
    expect(report.nextStep).toBe(report.move?.wayBack);
    expect(report.namespaces).toMatchObject([{ outcome: "labelled", from: OLD.name }]);
    expect(Object.keys(report.namespaces?.[0]?.pods ?? {})).toEqual([OLD.name, NEW.name]);

    const [, , ...back] = report.nextStep.split(" ");
    expect(back).toEqual([shop.name, "--to", OLD.name, "--allow-downtime"]);
    const returned = await move(cluster, shop.name, "--to", OLD.name);
    expect([returned.status, returned.stderr]).toEqual([0, expect.anything()]);
    await eventually(async () => expect(await revisionsOf(shop)).toEqual([OLD.name]));
    await untilReady(shop, 5);
  });

  test("names the pod of an ordered StatefulSet that has to be deleted on the way back", async ({
    cluster,
    enter,
  }) => {
    await installBoth(cluster);
    const shop = await enter({ [REVISION]: OLD.name });
    const annotations = {
      [POD_BEHAVIOUR.failRestarted]: "CrashLoopBackOff",
      [POD_BEHAVIOUR.failOf]: NEW.name,
    };
    await shop.create("statefulsets", statefulSet("db", { replicas: 2, annotations }));
    await untilReady(shop, 2);
    expect((await move(cluster, shop.name, "--to", NEW.name)).status).toBe(3);
    const back = await move(cluster, shop.name, "--to", OLD.name);
    expect([back.status, back.stderr]).toEqual([5, expect.anything()]);
    const [result] = back.report().results;
    expect(result).toMatchObject({ code: "stuck-rollout", outcome: "skipped" });
    expect(result?.nextStep).toContain(`kubectl delete pod db-1 -n ${shop.name}`);
    expect(await labelOf(cluster, shop)).toBe(OLD.name);
    expect((await cluster.request("DELETE", shop.path("pods", "db-1"))).status).toBe(200);
    await eventually(async () => {
      const again = await move(cluster, shop.name, "--to", OLD.name);
      expect([again.status, again.stderr]).toEqual([0, expect.anything()]);
    });
    await untilReady(shop, 2);
    expect(await revisionsOf(shop)).toEqual([OLD.name]);
  });

  test("carries out an approved plan, and no other command does", async ({ cluster, enter }) => {
    await installBoth(cluster);
    const shop = await enter({ [REVISION]: OLD.name });
    await shop.create("deployments", deployment("web"));
    await untilReady(shop, 1);
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-move-"));
    try {
      const file = join(folder, "plan.json");
      const dryRun = ["move", shop.name, "--to", NEW.name, "--dry-run", "--json"];
      writeFileSync(file, (await run(cluster, ...dryRun)).stdout);
      const server = await run(cluster, ...dryRun.slice(0, 4), "--dry-run=server", "--json");
      expect([server.status, server.stdout]).toEqual([0, expect.stringContaining('"dry-run"')]);
      expect(await labelOf(cluster, shop)).toBe(OLD.name);
      const other = await run(cluster, "restart", "--plan", file, "--yes");
      expect([other.status, other.stderr]).toEqual([64, expect.stringContaining("one of move")]);
      const carriedOut = await run(cluster, "move", "--plan", file, "--yes", "--json");
      expect([carriedOut.status, carriedOut.stderr]).toEqual([0, expect.anything()]);
      const report = parseReport("RestartReport", carriedOut.stdout);
      expect(report.plan).toBe(JSON.parse(readFileSync(file, "utf8")).plan);
      expect(report.namespaces).toMatchObject([{ outcome: "labelled", from: OLD.name }]);
      expect(await revisionsOf(shop)).toEqual([NEW.name]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("labels a namespace only when its wave starts", async ({ cluster, enter }) => {
    await installBoth(cluster);
    const [one, two] = [
      await enter({ [REVISION]: OLD.name }),
      await enter({ [REVISION]: OLD.name }),
    ];
    const empty = await enter({ [REVISION]: OLD.name });
    for (const sandbox of [one, two]) {
      await sandbox.create("deployments", deployment("web"));
      await untilReady(sandbox, 1);
    }
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-move-"));
    try {
      const gate = (status: number) => {
        const file = join(folder, `gate-${status}`);
        writeFileSync(file, `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 });
        return file;
      };
      const names = [one.name, two.name, empty.name];
      const flags = ["--to", NEW.name, "--waves", "1", "--gate"];
      const stopped = await move(cluster, ...names, ...flags, gate(1));
      expect([stopped.status, stopped.stderr]).toEqual([3, expect.anything()]);
      const report = stopped.report();
      const outcomes = report.namespaces?.map(({ outcome }) => outcome);
      expect(outcomes?.toSorted()).toEqual(["labelled", "not-labelled", "not-labelled"]);
      expect(outcomes?.[2]).toBe("not-labelled");
      const labels = [await labelOf(cluster, one), await labelOf(cluster, two)];
      expect(labels.toSorted()).toEqual([OLD.name, NEW.name]);
      const [moved] = report.namespaces?.filter(({ outcome }) => outcome === "labelled") ?? [];
      expect(report.nextStep).toBe(`istio-upgrade move ${moved?.name} --to ${OLD.name}`);

      const passed = await move(cluster, ...names, ...flags, gate(0));
      expect([passed.status, passed.stderr]).toEqual([0, expect.anything()]);
      expect(await Promise.all([one, two, empty].map((each) => labelOf(cluster, each)))).toEqual([
        NEW.name,
        NEW.name,
        NEW.name,
      ]);
      expect([await revisionsOf(one), await revisionsOf(two)]).toEqual([[NEW.name], [NEW.name]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
