import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/** Every error has one sentence about the failure, one about what to do, and nothing else. */
describe("the error message", () => {
  let cluster: TestCluster;
  let host = "";
  let folder = "";

  beforeAll(async () => {
    cluster = await startEmbeddedCluster();
    host = /https:\/\/([\d.:]+)/.exec(readFileSync(cluster.kubeconfig, "utf8"))?.[1] ?? "";
    folder = mkdtempSync(join(tmpdir(), "istio-upgrade-e2e-"));
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });

  const USAGE: readonly (readonly [args: string, message: string, hint: string])[] = [
    [
      "chek",
      "unknown command 'chek' (Did you mean check?)",
      "run 'istio-upgrade --help' for usage",
    ],
    ["check --nope", "unknown option '--nope'", "run 'istio-upgrade check --help' for usage"],
    [
      "check -n",
      "option '-n, --namespace <name>' argument missing",
      "run 'istio-upgrade check --help' for usage",
    ],
    [
      "check -n Shop",
      '--namespace "Shop" is not a valid namespace name',
      "use lower-case letters, digits and dashes; list the namespaces with: kubectl get namespaces",
    ],
    [
      "check -A -n shop",
      "--namespace and --all-namespaces cannot be used together",
      "use only one of them",
    ],
    [
      "check -o yaml",
      '--output "yaml" is not valid',
      "use one of: table, wide, json, jsonl, markdown, junit",
    ],
    [
      "check -l a~b",
      '--selector has an invalid part: "a~b"',
      "use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy",
    ],
    [
      "check --request-timeout 5",
      '--request-timeout "5" is not a duration',
      "write 90s, 10m or 1h30m",
    ],
    [
      "restart --yes",
      "restart needs a scope",
      "add --namespace NAMESPACE, --all-namespaces, or workloads as KIND/NAME",
    ],
    [
      "restart pod/web -n shop --yes",
      '"pod/web" is not a KIND/NAME that can be restarted',
      "kinds are deployment, statefulset, daemonset and rollout: deploy/web, sts/db, ds/agent, ro/api",
    ],
    [
      "restart -n shop",
      "restart asks for confirmation, but there is no terminal",
      "add --yes, or see the plan first with --dry-run",
    ],
    [
      "restart -A --yes",
      "--all-namespaces with --yes also needs --context: the current context may be another cluster",
      "see the contexts: kubectl config get-contexts",
    ],
    [
      "explain web -n shop",
      '"web" is not the KIND/NAME of a workload or a pod',
      "write it as KIND/NAME: deploy/web, sts/db, ds/agent, job/import, pod/web-7d4b9c-x2x1z",
    ],
    [
      "explain deploy/web -n shop,pay",
      "explain takes one workload in one namespace",
      "use a single --namespace",
    ],
    [
      "revisions --assert-unused",
      "--assert-unused needs a revision",
      "name the revision: istio-upgrade revisions REVISION --assert-unused",
    ],
    [
      "revisions --namespace shop",
      "unknown option '--namespace'",
      "run 'istio-upgrade revisions --help' for usage",
    ],
    [
      "restart -n shop --yes --max-parallel 0",
      '--max-parallel "0" is not a whole number above 0',
      "write a whole number, 1 or more",
    ],
    [
      "restart -n shop --dry-run server",
      '"server" is not a KIND/NAME that can be restarted',
      "write --dry-run=server",
    ],
    [
      "restart -n shop --dry-run=maybe",
      '--dry-run "maybe" is not valid',
      "use one of: client, server",
    ],
  ];

  test.each(USAGE)("for wrong usage: %s", async (args, message, hint) => {
    const ran = await runProgram(args.split(" "), { KUBECONFIG: "/nonexistent" });
    expect(ran).toEqual({ status: 64, stdout: "", stderr: `error: ${message}\n${hint}\n` });
  });

  test("for --all-namespaces --yes without --context, also in a pod", async () => {
    const home = join(folder, "home");
    mkdirSync(join(home, ".kube"), { recursive: true });
    copyFileSync(cluster.kubeconfig, join(home, ".kube", "config"));
    const env = { HOME: home, KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
    expect(await runProgram(["restart", "-A", "--yes"], env)).toEqual({
      status: 64,
      stdout: "",
      stderr:
        "error: --all-namespaces with --yes also needs --context: the current context may be another cluster\n" +
        "see the contexts: kubectl config get-contexts\n",
    });
  });

  test("is missing, but the exit code is 1, if Node.js ends while a request is open", async () => {
    // A connection that never opens does not keep the process alive.
    const never =
      "import { Socket } from 'node:net'; Socket.prototype.connect = function () { return this; };";
    const { status } = await runProgram(["check"], {
      KUBECONFIG: cluster.kubeconfig,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(never)}`,
    });
    expect(status).toBe(1);
  });

  test("for a missing configuration", async () => {
    expect(await runProgram(["check"])).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "error: no cluster is configured: there is no kubeconfig file\n" +
        "set KUBECONFIG or --kubeconfig; on AKS, first run: az aks get-credentials\n",
    });
  });

  test("for a kubeconfig that does not exist", async () => {
    expect(await runProgram(["check", "--kubeconfig", "/nonexistent/config"])).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "error: the kubeconfig file /nonexistent/config does not exist\n" +
        "correct --kubeconfig, or omit it to use KUBECONFIG or ~/.kube/config\n",
    });
  });

  test("for a context that does not exist", async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    expect(await runProgram(["check", "--context", "prod"], env)).toEqual({
      status: 1,
      stdout: "",
      stderr: `error: the context "prod" does not exist in ${cluster.kubeconfig}\navailable contexts: test\n`,
    });
  });

  test("for an API server that does not answer", async () => {
    const dead = join(folder, "dead");
    const config = readFileSync(cluster.kubeconfig, "utf8").replace(host, "127.0.0.1:1");
    writeFileSync(dead, config);
    const ran = await runProgram(["check"], { KUBECONFIG: dead });
    expect([ran.status, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toBe(
      'error: could not read from the API server of the context "test": 127.0.0.1:1: connect ECONNREFUSED\n' +
        "check whether kubectl can: kubectl get --raw /readyz (https://127.0.0.1:1)\n",
    );
  });

  test("for a namespace that does not exist", async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    expect(await runProgram(["check", "-n", "shpo"], env)).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `error: the namespace "shpo" does not exist in ${host}\n` +
        "see what exists: kubectl get namespaces\n",
    });
    // The suggested command has the flags of the same cluster.
    const { stderr } = await runProgram(["check", "-n", "shpo", "--context", "test"], env);
    expect(stderr).toContain("see what exists: kubectl --context test get namespaces\n");
  });

  test("for a cluster without the add-on", async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    expect(await runProgram(["check"], env)).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `error: no ConfigMap istio-sidecar-injector* in the namespace "aks-istio-system" of ${host}\n` +
        "does this cluster use the AKS Istio add-on? For another Istio, name its namespace: --istio-namespace istio-system\n",
    });
  });
});
