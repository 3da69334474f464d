import { expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { run, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-59";

/** The plan alternates between namespaces in the order of their names, which are random. */
function inOrder(a: Sandbox, b: Sandbox): readonly [Sandbox, Sandbox] {
  return a.name < b.name ? [a, b] : [b, a];
}

test("restart selects exactly the workloads that its arguments name", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: proxyImage("v1.59.1-1") });
  await cluster.moveImage(REVISION, proxyImage("v1.59.1-1"));
  const labels = { "istio.io/rev": REVISION };
  const [one, other] = inOrder(await enter(labels), await enter(labels));
  for (const sandbox of [one, other]) {
    await sandbox.create("deployments", deployment("web"));
    await sandbox.create("deployments", deployment("api"));
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 2 }));
    await untilReady(sandbox, 4);
  }
  const tier = { metadata: { labels: { tier: "front" } } };
  await one.patch("deployments", "web", tier);
  await cluster.moveImage(REVISION, proxyImage("v1.59.2-1"));

  /** Returns the steps in the order of the plan, such as `1/web`, and the notes. */
  const plan = async (...args: readonly string[]) => {
    const ran = await run(cluster, "restart", ...args, "--dry-run", "--json");
    expect([args, ran.status]).toEqual([args, 0]);
    const { steps, notes } = parseReport("RestartReport", ran.stdout);
    const numberOf = (namespace: string) => (namespace === one.name ? "1" : "2");
    return { steps: steps.map(({ namespace, name }) => `${numberOf(namespace)}/${name}`), notes };
  };
  const both = ["-n", one.name, "-n", other.name];

  const all = ["1/api", "2/api", "1/web", "2/web", "1/db", "2/db"];
  expect((await plan(...both)).steps).toEqual(all);
  expect((await plan("-n", `${one.name},${other.name}`)).steps).toEqual(all);
  expect((await plan(...both, "-l", "tier=front")).steps).toEqual(["1/web"]);
  expect((await plan(...both, "-l", "tier!=front", "--exclude", "sts")).steps).toEqual([
    "1/api",
    "2/api",
    "2/web",
  ]);
  expect((await plan(...both, "--revision", REVISION)).steps).toEqual(all);
  expect((await plan(...both, "--exclude-namespace", other.name)).steps).toEqual([
    "1/api",
    "1/web",
    "1/db",
  ]);
  const excluded = await plan(
    ...both,
    "--exclude",
    `deploy/api,${one.name}/deployments.apps/web`,
    "--exclude",
    "StatefulSet/db",
  );
  expect(excluded).toEqual({ steps: ["2/web"], notes: [] });

  for (const name of ["deploy/web", "deployment/web", "deployments.apps/web", "Deployment/web"]) {
    expect((await plan(name, "-n", one.name)).steps).toEqual(["1/web"]);
  }
  expect((await plan("deploy/web", "sts/db", "-n", one.name)).steps).toEqual(["1/web", "1/db"]);

  // A mistyped name would exclude nothing, so a note says so before the question.
  expect(await plan("-n", one.name, "--exclude", "deploy/wbe")).toEqual({
    steps: ["1/api", "1/web", "1/db"],
    notes: ["--exclude deploy/wbe matches no workload in scope"],
  });
  expect(await plan(...both, "-l", "tier=frnot")).toEqual({
    steps: [],
    notes: ["no workload in scope matches --selector tier=frnot"],
  });
  const unlike = await run(cluster, "restart", "deploy/api", "-n", one.name, "-l", "tier", "--yes");
  expect([unlike.status, unlike.stderr.split("\n").slice(0, 2)]).toEqual([
    1,
    [
      `error: no deployment/api in the namespace "${one.name}" matches --selector tier`,
      `see what exists: kubectl get deployment -n ${one.name} --show-labels`,
    ],
  ]);
  for (const [name, status, message] of [
    ["deploy/wbe", 1, `deployment/wbe does not exist in the namespace "${one.name}"`],
    ["deploy", 64, '"deploy" is not a KIND/NAME that can be restarted'],
    ["web", 64, '"web" is not a KIND/NAME that can be restarted'],
    ["pod/web", 64, '"pod/web" is not a KIND/NAME that can be restarted'],
    ["deploy/web/1", 64, '"deploy/web/1" is not a KIND/NAME that can be restarted'],
  ] as const) {
    const ran = await run(cluster, "restart", name, "-n", one.name, "--yes");
    expect([name, ran.status, ran.stderr.split("\n")[0]]).toEqual([
      name,
      status,
      `error: ${message}`,
    ]);
  }
  expect(await plan(...both, "--revision", "asm-1-95")).toEqual({
    steps: [],
    notes: [
      "no workload in scope runs the revision asm-1-95 or would get it; the revision is not installed",
    ],
  });
  await cluster.setTag("stable-59", REVISION);
  expect(await plan(...both, "--revision", "stable-59")).toEqual({
    steps: [],
    notes: [`stable-59 is a tag: use --revision ${REVISION}`],
  });
  await cluster.removeTag("stable-59");
});
