import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseReport } from "../support/report-schema.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { preloading, type RunResult, runProgram } from "../support/run-program.ts";
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
  const hasResult = args.some((word) =>
    ["check", "restart", "move", "verify", "status"].includes(word),
  );
  if (!hasResult || ran.stderr === "") return ran;
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
    ["chek", "unknown command 'chek' (Did you mean check?)", "see the usage: istio-upgrade --help"],
    ["check --nope", "unknown option '--nope'", "see the usage: istio-upgrade check --help"],
    [
      "check -n",
      "option '-n, --namespace <name>' argument missing",
      "see the usage: istio-upgrade check --help",
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
      "use one of: table, wide, json, jsonl, markdown, junit, html, prometheus",
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
      "add --namespace NAMESPACE, --all-namespaces, --namespace-selector LABELS, or workloads as KIND/NAME",
    ],
    [
      "restart pod/web -n shop --yes",
      '"pod/web" is not a KIND/NAME that can be restarted',
      "see which workload it belongs to, and what to do: istio-upgrade explain pod/web --namespace shop",
    ],
    [
      "restart deploy web/x -n shop --yes",
      '"deploy" is not a KIND/NAME that can be restarted',
      "kinds are deployment, statefulset, daemonset and rollout: deploy/web, sts/db, ds/agent, ro/api",
    ],
    [
      "restart pod web -n shop --yes",
      '"pod/web" is not a KIND/NAME that can be restarted',
      "see which workload it belongs to, and what to do: istio-upgrade explain pod/web --namespace shop",
    ],
    [
      "check deploy/web -n shop --context prod",
      "too many arguments for 'check'. Expected 0 arguments but got 1.",
      "for one workload: istio-upgrade explain --context prod deploy/web --namespace shop",
    ],
    [
      "verify sts db",
      "too many arguments for 'verify'. Expected 0 arguments but got 2.",
      "for one workload: istio-upgrade explain sts/db",
    ],
    [
      "explain deploy web -n shop",
      "too many arguments for 'explain'. Expected 1 argument but got 2.",
      "for one workload: istio-upgrade explain deploy/web --namespace shop",
    ],
    [
      "check web",
      "too many arguments for 'check'. Expected 0 arguments but got 1.",
      "see the usage: istio-upgrade check --help",
    ],
    [
      "restart -n shop --force",
      "unknown option '--force'",
      "nothing overrides would-lose or blocked; --include and --allow-downtime restart what is left out by default",
    ],
    ["check --all", "unknown option '--all'", "for all namespaces, write --all-namespaces"],
    ["help chek", 'there is no command "chek"', "see the commands: istio-upgrade --help"],
    [
      "-n Shop check",
      '--namespace "Shop" is not a valid namespace name',
      "use lower-case letters, digits and dashes; list the namespaces with: kubectl get namespaces",
    ],
    ["--nope check", "unknown option '--nope'", "see the usage: istio-upgrade check --help"],
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
      "restart --namespace-selector team=pay --yes",
      "--namespace-selector with --yes also needs --context: the current context may be another cluster",
      "see the contexts: kubectl config get-contexts",
    ],
    [
      "check --namespace-selector team===pay",
      '--namespace-selector has an invalid part: "team===pay"',
      "use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy",
    ],
    [
      "check -n pay --namespace-selector team=pay",
      "--namespace-selector and --namespace cannot be used together",
      "use only one of them",
    ],
    [
      "move pay --namespace-selector team=pay --to asm-1-28",
      "--namespace-selector and named namespaces cannot be used together",
      "use only one of them",
    ],
    [
      "move --namespace-selector team=pay --to asm-1-28 --yes",
      "--namespace-selector with --yes also needs --context: the current context may be another cluster",
      "see the contexts: kubectl config get-contexts",
    ],
    [
      "check --group-by team",
      '--group-by "team" is not valid',
      "use one of: namespace, kind, revision, label=KEY, namespace-label=KEY, namespace-annotation=KEY; for a label of the namespaces: --group-by namespace-label=team",
    ],
    [
      "status --group-by label=",
      '--group-by label "" is not the key of a label or an annotation',
      "write the key alone, such as team or example.com/owner",
    ],
    [
      "verify -L team=pay",
      '--label-columns "team=pay" is not the key of a label or an annotation',
      "write the key alone, such as team or example.com/owner",
    ],
    [
      "check --since nowhere.json",
      'could not read the report "nowhere.json": ENOENT',
      "make one with the same flags: istio-upgrade check --report-file FILE",
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
      "see the usage: istio-upgrade revisions --help",
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
      "use one of: missing, current, drifted, unhealthy",
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
      ...preloading(never),
    });
    expect(status).toBe(1);
  });

  test("for a missing configuration", async () => {
    expect(await runFailing(["check"])).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "error: no cluster is configured: there is no kubeconfig file\n" +
        "set KUBECONFIG or --kubeconfig; on AKS, first run: az aks get-credentials --resource-group RESOURCE_GROUP --name CLUSTER\n",
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
        "check whether kubectl can reach https://127.0.0.1:1: kubectl get --raw /readyz\n",
    );
  });

  test.each([
    "check",
    "restart -n shop --yes",
    "verify -n shop",
    "explain deploy/web -n shop",
    "explain pod/web -n shop",
    "revisions",
    "revisions asm-1-27 --assert-unused",
    "status --to asm-1-28",
  ])("for credentials that are not accepted: %s", async (args) => {
    const expired = join(folder, "expired");
    const config = readFileSync(cluster.kubeconfig, "utf8").replace(
      /"token":"[^"]*"/,
      '"token":"expired"',
    );
    writeFileSync(expired, config);
    const ran = await runFailing([...args.split(" "), "--kubeconfig", expired], { KUBECONFIG: "" });
    expect([ran.status, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toMatch(/^error: .*: Unauthorized\n/);
    expect(ran.stderr.split("\n").slice(1)).toEqual([
      `log in again, then check whether kubectl can: kubectl --kubeconfig ${expired} auth whoami`,
      "",
    ]);
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
        "does this cluster use the AKS Istio add-on? For another Istio, name its namespace: istio-upgrade check --istio-namespace istio-system\n",
    });
  });

  describe("for a script", () => {
    type Failure = readonly [args: string, code: string, exitCode: number, context: string | null];
    const FAILURES: readonly Failure[] = [
      ["check --context dead", "unreachable", 1, "dead"],
      ["verify --context=dead", "unreachable", 1, "dead"],
      ["restart -n shop --yes --context dead", "unreachable", 1, "dead"],
      ["move shop --to asm-1-28 --yes --context dead", "unreachable", 1, "dead"],
      ["status --context dead", "unreachable", 1, "dead"],
      ["revisions --context dead", "unreachable", 1, "dead"],
      ["explain deploy/web --context dead", "unreachable", 1, "dead"],
      ["check --context nowhere", "kubeconfig", 1, "nowhere"],
      ["check --kubeconfig /nonexistent", "kubeconfig", 1, null],
      ["check -n shpo", "not-found", 1, "test"],
      ["check --context stranger", "unauthorized", 1, "stranger"],
      ["check --max-parallel 3", "usage", 64, "test"],
      ["restart -n shop", "usage", 64, "test"],
      ["move shop --to asm-1-28", "usage", 64, "test"],
      ["status --to", "usage", 64, "test"],
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
        const file = join(folder, "report.json");
        writeFileSync(file, "the report of an earlier run");
        const withFile = [...args.split(" "), "--report-file", file];
        const text = await runProgram(withFile, { KUBECONFIG: kubeconfig });
        expect(text.stdout).toBe("");
        const document = parseReport("Error", readFileSync(file, "utf8"));
        expect(document).toMatchObject({ cluster: { context }, code, exitCode });
        expect(text.stderr).toContain(`error: ${document.message}\n${document.hint}\n`);
        expect(text.stderr.includes("RESULT")).toBe(!/^(revisions|explain)/.test(args));
      },
    );
  });
});

interface Named extends Record<string, unknown> {
  readonly name: string;
}
