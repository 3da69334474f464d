import { describe, expect, test } from "vitest";
import { runCli } from "../../src/cli.ts";
import { type Actions, buildProgram } from "../../src/program.ts";
import { UsageError } from "../../src/errors.ts";
import { EXIT, EXIT_MEANINGS } from "../../src/exit-codes.ts";
import { main } from "../../src/main.ts";
import { recordedIo } from "../support/build/recorded-io.ts";

const NO_ACTIONS: Actions = {
  check: () => Promise.resolve(),
  restart: () => Promise.resolve(),
  move: () => Promise.resolve(),
  verify: () => Promise.resolve(),
  explain: () => Promise.resolve(),
  revisions: () => Promise.resolve(),
  status: () => Promise.resolve(),
  completion: () => Promise.resolve(),
  version: () => undefined,
  complete: () => Promise.resolve(),
};

const COMMON = [
  "--help",
  "--namespace",
  "--all-namespaces",
  "--selector",
  "--revision",
  "--exclude",
  "--exclude-namespace",
  "--prove",
  "--kubeconfig",
  "--context",
  "--as",
  "--as-group",
  "--request-timeout",
  "--istio-namespace",
  "--output",
  "--json",
  "--no-headers",
  "--quiet",
  "--verbose",
  "--color",
];

describe("the flags of", () => {
  test.each([
    ["check", [...COMMON, "--fail-on", "--exit-zero", "--include", "--allow-downtime"]],
    [
      "restart",
      [
        ...COMMON,
        "--dry-run",
        "--yes",
        "--max-parallel",
        "--max-failures",
        "--timeout",
        "--include",
        "--allow-downtime",
        "--allow-revision",
        "--reason",
        "--fail-on",
      ],
    ],
    ["verify", [...COMMON, "--wait", "--fail-on", "--exit-zero"]],
  ])("%s", (name, flags) => {
    const program = buildProgram(recordedIo(), NO_ACTIONS);
    const command = program.commands.find((candidate) => candidate.name() === name);
    const long = command
      ?.createHelp()
      .visibleOptions(command)
      .map((option) => option.long);
    expect(long).toEqual(expect.arrayContaining(flags));
    // A command may have further flags, but none that belongs to another command.
    const own = ["--wait", "--yes", "--allow-revision", "--dry-run", "--max-parallel"];
    expect(own.filter((flag) => long?.includes(flag))).toEqual(
      own.filter((flag) => flags.includes(flag)),
    );
  });

  test.each([
    ["-n", "--namespace"],
    ["-A", "--all-namespaces"],
    ["-l", "--selector"],
    ["-i", "--istio-namespace"],
    ["-o", "--output"],
    ["-q", "--quiet"],
    ["-v", "--verbose"],
    ["-y", "--yes"],
    ["-h", "--help"],
  ])("restart include %s for %s, as in kubectl or istioctl", (short, long) => {
    const program = buildProgram(recordedIo(), NO_ACTIONS);
    const restart = program.commands.find((candidate) => candidate.name() === "restart");
    const options = restart?.createHelp().visibleOptions(restart);
    expect(options?.find((option) => option.short === short)?.long).toBe(long);
  });
});

describe("a command gets", () => {
  async function given(argv: readonly string[]): Promise<readonly unknown[]> {
    const calls: unknown[] = [];
    const program = buildProgram(recordedIo(), {
      ...NO_ACTIONS,
      check: (raw) => Promise.resolve(void calls.push(["check", raw])),
      restart: (raw, names) => Promise.resolve(void calls.push(["restart", raw, names])),
      verify: (raw) => Promise.resolve(void calls.push(["verify", raw])),
      explain: (raw, name) => Promise.resolve(void calls.push(["explain", raw, name])),
      revisions: (raw, name) => Promise.resolve(void calls.push(["revisions", raw, name])),
    });
    await program.parseAsync(argv, { from: "user" });
    return calls;
  }

  test("the defaults", async () => {
    const common = {
      requestTimeout: "30s",
      istioNamespace: "aks-istio-system",
      output: "table",
      headers: true,
      color: "auto",
      prove: "auto",
    };
    const restart = {
      ...common,
      maxParallel: "4",
      maxFailures: "1",
      timeout: "10m",
      schedulingTimeout: "30s",
    };
    expect(await given(["check"])).toMatchObject([["check", common]]);
    expect(await given(["verify"])).toMatchObject([["verify", { ...common, wait: "0s" }]]);
    expect(await given(["restart"])).toMatchObject([["restart", restart, []]]);
  });

  test.each<[argv: readonly string[], raw: object]>([
    [["-n", "a,b", "-n", "c"], { namespace: ["a", "b", "c"] }],
    [["--namespace=a"], { namespace: ["a"] }],
    [["--exclude", "deploy/a,sts/b", "--exclude", "ds"], { exclude: ["deploy/a", "sts/b", "ds"] }],
    [["--exclude-namespace", "a,b"], { excludeNamespace: ["a", "b"] }],
    [["--as-group", "a", "--as-group", "b"], { asGroup: ["a", "b"] }],
    [["--as-group", "CN=ops,OU=aks", "--as-group=b"], { asGroup: ["CN=ops,OU=aks", "b"] }],
    [["-n", "a,,b,"], { namespace: ["a", "b"] }],
    // An unset variable must not mean "all".
    [["-n", ""], { namespace: [""] }],
    [["-n", ","], { namespace: [","] }],
    [["-n", "a", "-n", ""], { namespace: ["a", ""] }],
    [["--no-headers"], { headers: false }],
    [["-A", "--json", "-q"], { allNamespaces: true, json: true, quiet: true }],
  ])("the options of check %j", async (argv, raw) => {
    expect(await given(["check", ...argv])).toEqual([["check", expect.objectContaining(raw)]]);
  });

  test("one value for each --namespace: the next argument is a workload", async () => {
    expect(await given(["restart", "-n", "shop", "deploy/web", "sts/db"])).toEqual([
      ["restart", expect.objectContaining({ namespace: ["shop"] }), ["deploy/web", "sts/db"]],
    ]);
  });
});

describe("help and version", () => {
  test("go to stdout, and exit 0", async () => {
    for (const argv of [[], ["--help"], ["-h"], ["restart", "--help"], ["--version"]]) {
      const io = recordedIo();
      expect(await runCli(argv, "1.2.3", io)).toBe(EXIT.ok);
      expect(io.written.stdout).not.toBe("");
      expect(io.written.stderr).toBe("");
    }
  });

  test("print the version of the package, on a line of its own", async () => {
    const io = recordedIo();
    await runCli(["--version"], "1.2.3", io);
    expect(io.written.stdout).toBe("1.2.3\n");
  });

  test("name every exit code with its meaning", async () => {
    const io = recordedIo();
    await runCli(["--help"], "1.2.3", io);
    for (const [code, meaning] of EXIT_MEANINGS) {
      expect(io.written.stdout).toContain(`  ${String(code).padEnd(5)}${meaning}\n`);
    }
  });

  test("show an optional value with its equals sign", async () => {
    const io = recordedIo();
    await runCli(["restart", "--help"], "1.2.3", io);
    expect(io.written.stdout).toContain("--dry-run[=mode]");
  });
});

describe("invalid arguments are a usage error with a hint", () => {
  test.each<[argv: readonly string[], message: string | RegExp, hint: string]>([
    [["chekc"], /unknown command 'chekc'/, "see the usage: istio-upgrade --help"],
    [
      ["--namespaces", "shop", "check"],
      /unknown option '--namespaces'/,
      "see the usage: istio-upgrade check --help",
    ],
    [
      ["check", "--frobnicate"],
      /unknown option '--frobnicate'/,
      "see the usage: istio-upgrade check --help",
    ],
    [["check", "shop"], /too many arguments/, "see the usage: istio-upgrade check --help"],
    [["restart", "--namespace"], /argument missing/, "see the usage: istio-upgrade restart --help"],
    [
      ["verify", "--max-parallel", "3"],
      /unknown option '--max-parallel'/,
      "see the usage: istio-upgrade verify --help",
    ],
    [
      ["check", "--output", "yaml"],
      '--output "yaml" is not valid',
      "use one of: table, wide, json, jsonl, markdown, junit, html, prometheus",
    ],
    [
      ["restart"],
      "restart needs a scope",
      "add --namespace NAMESPACE, --all-namespaces, --namespace-selector LABELS, or workloads as KIND/NAME",
    ],
    // An unset variable must mean neither "all" nor the default.
    ...(
      [
        ["--namespace", ["check", "-n", ""]],
        ["--namespace", ["check", "--namespace="]],
        ["--namespace", ["check", "--namespace= "]],
        ["--namespace", ["restart", "-n", "shop", "-n", "", "--yes"]],
        ["--exclude-namespace", ["check", "--exclude-namespace", ""]],
        ["--kubeconfig", ["check", "--kubeconfig", ""]],
        ["--context", ["check", "--context", ""]],
        ["--as", ["check", "--as", ""]],
        ["--as-group", ["check", "--as-group", "a", "--as-group", ""]],
        ["--istio-namespace", ["check", "--istio-namespace", ""]],
        ["--selector", ["check", "--selector", ""]],
        ["--revision", ["check", "--revision", ""]],
        ["--include", ["restart", "-n", "shop", "--include", ""]],
        ["--reason", ["restart", "-n", "shop", "--reason", ""]],
        ["--dry-run", ["restart", "-n", "shop", "--dry-run="]],
        ["--wait", ["verify", "--wait", ""]],
        ["--context", ["explain", "deploy/web", "--context="]],
        ["--context", ["revisions", "--context="]],
      ] as const
    ).map(([flag, argv]): [readonly string[], string, string] => [
      argv,
      `${flag} has an empty value`,
      "give it a value, or omit it",
    ]),
    ...[
      ["restart", "-n", "shop", ""],
      ["explain", ""],
      ["revisions", "", "--assert-unused"],
    ].map((argv): [string[], string, string] => [
      argv,
      "an argument is empty",
      `see the usage: istio-upgrade ${argv[0]} --help`,
    ]),
    [
      ["check", "--exclude", "/deploy/web"],
      '--exclude "" is not a valid namespace name',
      "use lower-case letters, digits and dashes; list the namespaces with: kubectl get namespaces",
    ],
    [
      ["restart", "-n", "shop", "--include", "all"],
      '--include "all" is not valid',
      "use one of: missing, current, drifted, unhealthy",
    ],
    [["verify", "--wait", "soon"], '--wait "soon" is not a duration', "write 90s, 10m or 1h30m"],
    [
      ["check", "--max-age", "30 days"],
      '--max-age "30 days" is not a duration above 0',
      "write 30d, 12h or 1d12h, with days of 24 hours",
    ],
    // A flag with an optional value never takes the next argument.
    [
      ["restart", "--dry-run", "web"],
      '"web" is not a KIND/NAME that can be restarted',
      "kinds are deployment, statefulset, daemonset and rollout: deploy/web, sts/db, ds/agent, ro/api",
    ],
    [
      ["restart", "-A", "--dry-run=maybe"],
      '--dry-run "maybe" is not valid',
      "use one of: client, server",
    ],
  ])("%j", async (argv, message, hint) => {
    const io = recordedIo();
    const error: unknown = await runCli(argv, "1.2.3", io).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(message);
    expect((error as UsageError).hint).toBe(hint);
    expect(io.written).toEqual({ stdout: "", stderr: "" });
  });
});

const HOMELESS = { HOME: "/nonexistent" };

describe("main", () => {
  test("prints an error once, as two lines and RESULT on stderr, and exits 64 for usage", async () => {
    const io = recordedIo(HOMELESS);
    expect(await main(["restart"], io)).toBe(EXIT.usage);
    expect(io.written).toEqual({
      stdout: "",
      stderr:
        "error: restart needs a scope\nadd --namespace NAMESPACE, --all-namespaces, --namespace-selector LABELS, or workloads as KIND/NAME\n" +
        "RESULT exit=64 cluster=unknown error=usage\n",
    });
  });

  test.each([["restart -A"], ["restart -n shop"], ["restart deploy/web"]])(
    "rejects `%s` without --yes if there is no terminal",
    async (line) => {
      const io = recordedIo(HOMELESS);
      expect(await main(line.split(" "), io)).toBe(EXIT.usage);
      expect(io.written.stderr).toBe(
        "error: restart asks for confirmation, but there is no terminal\nadd --yes, or see the plan first with --dry-run\n" +
          "RESULT exit=64 cluster=unknown error=usage\n",
      );
    },
  );

  test("rejects -A --yes without --context, because the current context may be another cluster", async () => {
    const io = recordedIo(HOMELESS);
    expect(await main(["restart", "-A", "--yes"], io)).toBe(EXIT.usage);
    expect(io.written.stderr).toContain("--all-namespaces with --yes also needs --context");
  });

  test("rejects --namespace-selector --yes without --context for the same reason", async () => {
    const io = recordedIo(HOMELESS);
    expect(await main(["restart", "--namespace-selector", "team=pay", "--yes"], io)).toBe(
      EXIT.usage,
    );
    expect(io.written.stderr).toContain("--namespace-selector with --yes also needs --context");
  });

  test("exits 1 with a hint if no cluster is configured", async () => {
    const io = recordedIo({ HOME: "/nonexistent", KUBECONFIG: "/nonexistent/config" });
    expect(await main(["check"], io)).toBe(EXIT.couldNotRun);
    expect(io.written.stdout).toBe("");
    expect(io.written.stderr).toMatch(
      /^error: .+\n.+\nRESULT exit=1 cluster=unknown error=kubeconfig\n$/,
    );
  });

  test("prints the stack only if DEBUG is set", async () => {
    const [quiet, loud] = [recordedIo(HOMELESS), recordedIo({ DEBUG: "1" })];
    await main(["restart"], quiet);
    await main(["restart"], loud);
    expect(quiet.written.stderr).not.toContain("settings.ts");
    expect(loud.written.stderr).toContain("settings.ts");
  });
});
