import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { auditedWrites } from "./audit.ts";
import { istioSources } from "./build.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const execute = promisify(execFile);

const REVISION = "asm-1-17";
const image = (version: string) => `mcr.microsoft.com/oss/istio/proxyv2:${version}-distroless`;
const NAMESPACE = "bookinfo";
const WORKLOADS = [
  "details-v1",
  "productpage-v1",
  "ratings-v1",
  "reviews-v1",
  "reviews-v2",
  "reviews-v3",
];

/** Azure's walkthrough: the program's commands are compared with Azure's documented commands. */
describe("Bookinfo on a real control plane", () => {
  let cluster: RealCluster;
  const run = (...args: string[]) => runProgram(args, { KUBECONFIG: cluster.kubeconfig });
  const kubectl = async (...args: string[]) => {
    const options = ["--kubeconfig", cluster.kubeconfig, "--namespace", NAMESPACE];
    return (await execute(cluster.programs.kubectl, [...options, ...args])).stdout;
  };
  /**
   * Returns the lines of Azure's documented pipeline: each pod with the images of its containers.
   */
  const documentedPods = async () => {
    const path =
      '{range .items[*]}{"\\n"}{.metadata.name}{":\\t"}{range .spec.containers[*]}{.image}{", "}{end}{end}';
    const lines = (await kubectl("get", "pods", `-o=jsonpath=${path}`)).split("\n");
    return lines.filter((line) => line.includes("oss/istio/proxyv2")).sort();
  };

  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: image("1.17.1") });
    await kubectl("create", "namespace", NAMESPACE);
    await kubectl("label", "namespace", NAMESPACE, `istio.io/rev=${REVISION}`);
    const bookinfo = join(await istioSources(), "samples/bookinfo/platform/kube/bookinfo.yaml");
    await kubectl("apply", "-f", bookinfo);
    await kubectl("wait", "deployment", "--all", "--for=condition=Available", "--timeout=60s");
    await cluster.moveImage(REVISION, image("1.17.2"));
  });

  afterAll(async () => {
    await kubectl("delete", "namespace", NAMESPACE, "--wait=false");
    await cluster.stop();
  });

  test("check reports exactly the outdated workloads, like the documented pipeline", async () => {
    const { status, stdout } = await run("check", "--namespace", NAMESPACE, "--json");
    expect(status).toBe(2);
    const { workloads } = parseReport("CheckReport", stdout);
    expect(workloads.map(({ name, verdict }) => [name, verdict])).toEqual(
      WORKLOADS.map((name) => [name, "outdated"]),
    );
    const ours = workloads.flatMap(({ running }) =>
      running.flatMap((group) => (group.podNames ?? []).map((pod) => [pod, group.image])),
    );
    const theirs = (await documentedPods()).map((line) => [
      line.split(":")[0],
      /[^ \t,]*oss\/istio\/proxyv2[^,]*/.exec(line)?.[0],
    ]);
    expect(ours.sort()).toEqual(theirs);
  });

  test("restart rolls them out, as kubectl confirms, and a second run replaces no pod", async () => {
    const first = await run("restart", "--namespace", NAMESPACE, "--yes");
    expect(first.stderr).toContain("RESULT exit=0");
    expect(first.status).toBe(0);
    for (const name of WORKLOADS) {
      const status = await kubectl("rollout", "status", `deployment/${name}`, "--timeout=1s");
      expect(status).toContain("successfully rolled out");
    }
    const pods = await documentedPods();
    const live = pods.filter((line) => line.includes(image("1.17.2")));
    expect(live).toHaveLength(WORKLOADS.length);
    const uids = () => kubectl("get", "pods", "-o=jsonpath={.items[*].metadata.uid}");
    await kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=30s");
    const before = await uids();
    expect(await run("restart", "--namespace", NAMESPACE, "--yes")).toMatchObject({ status: 0 });
    expect(await uids()).toBe(before);
  });

  test("check and verify succeed afterwards", async () => {
    const check = await run("check", "--namespace", NAMESPACE, "--json");
    expect(check.status).toBe(0);
    expect(parseReport("CheckReport", check.stdout).summary.byVerdict).toEqual({ current: 6 });
    expect(await run("verify", "--namespace", NAMESPACE)).toMatchObject({ status: 0 });
  });

  test("only restart writes, and only after consent", async () => {
    await cluster.moveImage(REVISION, image("1.17.3"));
    await run("check", "--namespace", NAMESPACE);
    await run("restart", "--namespace", NAMESPACE, "--dry-run=server", "--yes");
    await run("restart", "deploy/ratings-v1", "--namespace", NAMESPACE, "--yes");
    const restarts = await auditedWrites(cluster, NAMESPACE);
    expect(restarts.every(({ verb }) => verb === "patch")).toBe(true);
    // Six writes are of the first restart in this file, one of the named workload.
    expect(restarts.map(({ objectRef }) => objectRef?.name).sort()).toEqual(
      [...WORKLOADS, "ratings-v1"].sort(),
    );
  });
});
