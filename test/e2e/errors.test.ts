import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseReport } from "../support/report-schema.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { type RunResult, runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/**
 * Runs a command that fails. A check, restart or verify ends with its RESULT line, which the returned
 * stderr does not have.
 */
async function runFailing(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const ran = await runProgram(args, env);
  if (!["check", "restart", "verify"].includes(args[0] ?? "") || ran.stderr === "") return ran;
  const lines = ran.stderr.split("\n");
  expect(lines.at(-2)).toMatch(
    new RegExp(`^RESULT exit=${ran.status} cluster=\\S+ error=[a-z-]+$`),
  );
  return { ...ran, stderr: [...lines.slice(0, -2), ""].join("\n") };
}

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
      "check --fail-on outdated,gaps",
      '--fail-on "gaps" is not valid',
      "use one of: outdated, would-lose, blocked, missing, by-hand, not-ready",
    ],
    [
      "restart -n shop --yes --fail-on outdated",
      '--fail-on "outdated" is not valid',
      "use one of: by-hand, missing",
    ],
    [
      "check --include all",
      '--include "all" is not valid',
      "use one of: missing, current, unhealthy",
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

  test.each([
    ["check --context a --context b", "--context", "a", "b"],
    ["restart -n shop --yes --context=a --context a", "--context", "a", "a"],
    ["verify --kubeconfig a --kubeconfig b", "--kubeconfig", "a", "b"],
    ["explain deploy/web --context a --context=b", "--context", "a", "b"],
    ["revisions --kubeconfig=a --kubeconfig=b", "--kubeconfig", "a", "b"],
  ])("for a repeated flag: %s", async (args, flag, one, other) => {
    expect(await runFailing(args.split(" "), { KUBECONFIG: "/nonexistent" })).toEqual({
      status: 64,
      stdout: "",
      stderr:
        `error: ${flag} is given twice: "${one}" and "${other}"\n` +
        "use it only once, and run the command once for each cluster\n",
    });
  });

  test.each(USAGE)("for wrong usage: %s", async (args, message, hint) => {
    const ran = await runFailing(args.split(" "), { KUBECONFIG: "/nonexistent" });
    expect(ran).toEqual({ status: 64, stdout: "", stderr: `error: ${message}\n${hint}\n` });
  });

  test("for --all-namespaces --yes without --context, also in a pod", async () => {
    const home = join(folder, "home");
    mkdirSync(join(home, ".kube"), { recursive: true });
    copyFileSync(cluster.kubeconfig, join(home, ".kube", "config"));
    const env = { HOME: home, KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
    expect(await runFailing(["restart", "-A", "--yes"], env)).toEqual({
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
    const { status } = await runFailing(["check"], {
      KUBECONFIG: cluster.kubeconfig,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(never)}`,
    });
    expect(status).toBe(1);
  });

  test("for a missing configuration", async () => {
    expect(await runFailing(["check"])).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "error: no cluster is configured: there is no kubeconfig file\n" +
        "set KUBECONFIG or --kubeconfig; on AKS, first run: az aks get-credentials\n",
    });
  });

  test("for a kubeconfig that does not exist", async () => {
    expect(await runFailing(["check", "--kubeconfig", "/nonexistent/config"])).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "error: the kubeconfig file /nonexistent/config does not exist\n" +
        "correct --kubeconfig, or omit it to use KUBECONFIG or ~/.kube/config\n",
    });
  });

  test("for a context that does not exist", async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    expect(await runFailing(["check", "--context", "prod"], env)).toEqual({
      status: 1,
      stdout: "",
      stderr: `error: the context "prod" does not exist in ${cluster.kubeconfig}\navailable contexts: test\n`,
    });
  });

  test("for an API server that does not answer", async () => {
    const dead = join(folder, "dead");
    const config = readFileSync(cluster.kubeconfig, "utf8").replace(host, "127.0.0.1:1");
    writeFileSync(dead, config);
    const ran = await runFailing(["check"], { KUBECONFIG: dead });
    expect([ran.status, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toBe(
      'error: could not read from the API server of the context "test": 127.0.0.1:1: connect ECONNREFUSED\n' +
        "check whether kubectl can: kubectl get --raw /readyz (https://127.0.0.1:1)\n",
    );
  });

  test("for a namespace that does not exist", async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    expect(await runFailing(["check", "-n", "shpo"], env)).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `error: the namespace "shpo" does not exist in ${host}\n` +
        "see what exists: kubectl get namespaces\n",
    });
    // The suggested command has the flags of the same cluster.
    const { stderr } = await runFailing(["check", "-n", "shpo", "--context", "test"], env);
    expect(stderr).toContain("see what exists: kubectl --context test get namespaces\n");
  });

  test("for a cluster without the add-on", async () => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    expect(await runFailing(["check"], env)).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `error: no ConfigMap istio-sidecar-injector* in the namespace "aks-istio-system" of ${host}\n` +
        "does this cluster use the AKS Istio add-on? For another Istio, name its namespace: --istio-namespace istio-system\n",
    });
  });

  describe("for a script", () => {
    type Failure = readonly [args: string, code: string, exitCode: number, context: string | null];
    const FAILURES: readonly Failure[] = [
      ["check --context dead", "unreachable", 1, "dead"],
      ["verify --context=dead", "unreachable", 1, "dead"],
      ["restart -n shop --yes --context dead", "unreachable", 1, "dead"],
      ["revisions --context dead", "unreachable", 1, "dead"],
      ["explain deploy/web --context dead", "unreachable", 1, "dead"],
      ["check --context nowhere", "kubeconfig", 1, "nowhere"],
      ["check --kubeconfig /nonexistent", "kubeconfig", 1, null],
      ["check -n shpo", "not-found", 1, "test"],
      ["check --context stranger", "unauthorized", 1, "stranger"],
      ["check --max-parallel 3", "usage", 64, "test"],
      ["restart -n shop", "usage", 64, "test"],
    ];
    let kubeconfig = "";

    beforeAll(() => {
      const config = load(readFileSync(cluster.kubeconfig, "utf8")) as Record<string, Named[]>;
      const [one] = config["clusters"] ?? [];
      const dead = { ...(one?.["cluster"] as object), server: "https://127.0.0.1:1" };
      config["clusters"]?.push({ name: "dead", cluster: dead });
      config["users"]?.push({ name: "stranger", user: { token: "wrong" } });
      config["contexts"]?.push(
        { name: "dead", context: { cluster: "dead", user: config["users"]?.[0]?.name } },
        { name: "stranger", context: { cluster: one?.name, user: "stranger" } },
      );
      kubeconfig = join(folder, "several");
      writeFileSync(kubeconfig, JSON.stringify(config));
    });

    test.each(FAILURES)(
      "%s: an Error document and RESULT",
      async (args, code, exitCode, context) => {
        for (const output of ["--json", "--output=json", "-ojsonl"]) {
          const ran = await runProgram([...args.split(" "), output], { KUBECONFIG: kubeconfig });
          const last = ran.stdout.trimEnd().split("\n").at(-1) ?? "";
          const document = parseReport("Error", output === "-ojsonl" ? last : ran.stdout);
          expect(document).toMatchObject({ cluster: { context }, code, exitCode });
          const result = `RESULT exit=${exitCode} cluster=${context ?? "unknown"} error=${code}`;
          expect(ran.stderr).toContain(`error: ${document.message}\n${document.hint}\n${result}\n`);
          expect(ran.status).toBe(exitCode);
        }
        const text = await runProgram(args.split(" "), { KUBECONFIG: kubeconfig });
        expect(text.stdout).toBe("");
        expect(text.stderr.includes("RESULT")).toBe(!/^(revisions|explain)/.test(args));
      },
    );
  });
});

interface Named extends Record<string, unknown> {
  readonly name: string;
}
