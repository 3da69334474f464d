/* oxlint-disable vitest/no-standalone-expect -- `test` is vitest's own, with fixtures */
import { expect, vi } from "vitest";
import { deployment, pod } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { eventually, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2";
const REVISION = { name: "asm-1-94", image: `${IMAGE}:v1.94.0-1` };

/** The resources that are listed once each. */
const LISTS = ["pods", "replicasets", "deployments", "statefulsets", "daemonsets"];

/** Returns the requests of one run as `--verbose` logs them: URLs with their queries. */
async function requestsOf(kubeconfig: string, ...args: string[]): Promise<readonly URL[]> {
  const { stderr } = await runProgram([...args, "--verbose"], { KUBECONFIG: kubeconfig });
  return [...stderr.matchAll(/^GET (\S+)/gm)].map(([, url = ""]) => new URL(url));
}

test("check sends one list request per kind, and none per pod, workload or namespace", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision(REVISION);
  const scopes = [
    await enter({ "istio.io/rev": REVISION.name }),
    await enter({ "istio.io/rev": REVISION.name }),
  ];
  for (const sandbox of scopes) {
    for (const name of ["a", "b", "c"]) {
      await sandbox.create("deployments", deployment(name, { replicas: 2 }));
    }
    await eventually(async () => expect(await sandbox.pods()).toHaveLength(6));
  }

  // Without --prove=never, each template under PodSecurity would add one dry run.
  const urls = await requestsOf(cluster.kubeconfig, "check", "--prove=never");
  const wide = urls.filter(({ pathname }) => !pathname.includes("/namespaces/"));
  for (const resource of LISTS) {
    const pages = wide.filter(({ pathname }) => pathname.endsWith(`/${resource}`));
    // A page has 500 items, and these clusters have fewer of every kind.
    expect([resource, pages.length]).toEqual([resource, 1]);
  }
  const others = urls.filter(({ pathname }) => !LISTS.some((name) => pathname.endsWith(name)));
  // These lists are requested only if something in the cluster needs them.
  const rare = /\/(jobs|events|rollouts)$/;
  const always = others
    .filter(({ pathname }) => !rare.test(pathname))
    .map(({ pathname }) => pathname);
  expect(always.length, always.join(" ")).toBeLessThanOrEqual(6);
  expect(others.filter(({ pathname }) => rare.test(pathname)).length).toBeLessThanOrEqual(3);

  const [one] = scopes;
  const narrow = await requestsOf(cluster.kubeconfig, "verify", "-n", one?.name ?? "");
  const namespacesOrPaths = new Set(
    narrow.map(({ pathname }) => /\/namespaces\/([^/]+)/.exec(pathname)?.[1] ?? pathname),
  );
  expect([...namespacesOrPaths].sort()).toEqual([
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "aks-istio-system",
    one?.name,
  ]);
  expect(narrow.length).toBeLessThanOrEqual(LISTS.length + 6);
});

test("a selector is sent to the API server with lists of workloads only", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision(REVISION);
  const sandbox = await enter({ "istio.io/rev": REVISION.name });
  for (const [name, tier] of [
    ["web", "front"],
    ["db", "back"],
  ] as const) {
    const manifest = deployment(name);
    await sandbox.create("deployments", { ...manifest, metadata: { name, labels: { tier } } });
  }
  await sandbox.create("pods", pod("bare-front", { labels: { tier: "front" } }));
  await sandbox.create("pods", pod("bare-back", { labels: { tier: "back" } }));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(4));
  await cluster.moveImage(REVISION.name, `${IMAGE}:v1.94.2-1`);

  const selected = async (selector: string) => {
    const args = ["check", "-n", sandbox.name, "-l", selector, "--json"];
    const { stdout } = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
    return parseReport("CheckReport", stdout).workloads.map(({ kind, name }) => `${kind}/${name}`);
  };
  expect(await selected("tier=front")).toEqual(["Deployment/web", "Pod/bare-front"]);
  // The pods of a workload that is not selected must not appear as bare pods.
  expect(await selected("tier!=front")).toEqual(["Deployment/db", "Pod/bare-back"]);
  expect(await selected("!tier")).toEqual([]);

  const urls = await requestsOf(
    cluster.kubeconfig,
    "check",
    "-n",
    sandbox.name,
    "-l",
    "tier=front",
  );
  const asked = (resource: string) =>
    urls
      .filter(({ pathname }) => pathname.endsWith(`/${sandbox.name}/${resource}`))
      .map(({ searchParams }) => searchParams.get("labelSelector"));
  expect(asked("deployments")).toEqual(["tier in (front)"]);
  expect(asked("pods")).toEqual([null]);
  // One list shows since when all the outdated workloads are outdated.
  const ofIstiod = urls.filter(({ pathname }) =>
    pathname.endsWith("/aks-istio-system/replicasets"),
  );
  expect(ofIstiod).toHaveLength(1);
});
