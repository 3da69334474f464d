import { SaxesParser } from "saxes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS } from "../support/build/hostile.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { findElements, parsePage } from "../support/html-page.ts";
import { parseLines } from "../support/report-schema.ts";
import { runInProcess } from "../support/run-in-process.ts";

/** Characters that a terminal interprets, reorders or does not show. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\p{NChar}]/u;
const REVISION = "asm-1-27";
const TARGET = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6";
const EVIL = Object.values(ATTACKS);

type Manifest = Readonly<Record<string, unknown>>;

const proxied = (image: string) => [
  { name: "app", image: "app" },
  { name: "istio-proxy", image },
];

function owned(kind: string, name: string, uid: string) {
  return [{ apiVersion: "v1", kind, name, uid, controller: true }];
}

/** A pod with the same text in every field that accepts any text. */
function pod(
  name: string,
  evil: string,
  more: { readonly owner?: object; readonly containers?: object[] },
) {
  const trouble = {
    name: "app",
    state: { waiting: { reason: "CrashLoopBackOff", message: evil } },
  };
  const ended = { exitCode: 1, reason: evil, message: evil };
  return {
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      annotations: {
        "istio.io/rev": evil,
        "sidecar.istio.io/status": evil,
        "proxy.istio.io/overrides": evil,
        "inject.istio.io/templates": evil,
        "sidecar.istio.io/inject": evil,
      },
      ...(more.owner && { ownerReferences: more.owner }),
    },
    spec: { containers: more.containers ?? proxied(evil) },
    status: {
      phase: "Running",
      containerStatuses: [{ ...trouble, lastState: { terminated: ended } }],
      conditions: [{ type: "PodScheduled", status: "False", reason: evil, message: evil }],
    },
  };
}

function deployment(name: string, evil: string, replicas: number) {
  const labels = { app: name };
  return {
    kind: "Deployment",
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      generation: 1,
      annotations: { note: evil },
    },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          annotations: { "proxy.istio.io/config": evil, "sidecar.istio.io/proxyImage": evil },
        },
        spec: { containers: [{ name: "app", image: "app" }] },
      },
    },
    status: {
      observedGeneration: 1,
      conditions: [
        { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: evil },
        { type: "ReplicaFailure", status: "True", reason: evil, message: evil },
      ],
    },
  };
}

/** All objects that a user can create with one hostile text. */
function objectsOf(evil: string, index: number): readonly Manifest[] {
  const [late, empty] = [`late-${index}`, `empty-${index}`];
  const template = (annotations: object) => ({
    metadata: { labels: {}, annotations },
    spec: { containers: [{ name: "app", image: "app" }] },
  });
  return [
    deployment(late, evil, 1),
    pod(`${late}-1`, evil, { owner: owned("Deployment", late, `uid-${late}`) }),
    // No pod was created, and the controller reports the reason.
    deployment(empty, evil, 2),
    {
      kind: "Event",
      metadata: { name: `event-${index}`, namespace: "shop", uid: `event-${index}` },
      involvedObject: { uid: `uid-${empty}` },
      reason: "FailedCreate",
      message: `Error creating: ${evil}`,
    },
    pod(`bare-${index}`, evil, {}),
    pod(`foreign-${index}`, evil, { owner: owned(evil, evil, `foreign-${index}`) }),
    // The program requests the template of an owner of these kinds by name.
    pod(`claimed-${index}`, evil, { owner: owned("StatefulSet", evil, `claimed-${index}`) }),
    pod(`replica-${index}`, evil, { owner: owned("ReplicaSet", evil, `replica-${index}`) }),
    {
      kind: "DaemonSet",
      metadata: {
        name: `agent-${index}`,
        namespace: "shop",
        uid: `uid-agent-${index}`,
        generation: 1,
      },
      spec: {
        selector: { matchLabels: {} },
        updateStrategy: { type: evil },
        template: template({ "inject.istio.io/templates": evil }),
      },
      status: { observedGeneration: 1, desiredNumberScheduled: 1 },
    },
    pod(`agent-${index}-1`, evil, {
      owner: owned("DaemonSet", `agent-${index}`, `uid-agent-${index}`),
    }),
    {
      kind: "ConfigMap",
      metadata: { name: `istio-sidecar-injector-evil-${index}`, namespace: "aks-istio-system" },
      data: index % 2 === 0 ? { values: evil, config: evil } : forged(evil),
    },
  ];
}

/** A readable ConfigMap with the hostile text. */
function forged(evil: string) {
  const global = { hub: evil, tag: evil, variant: evil, proxy: { image: evil } };
  return {
    values: JSON.stringify({ global, revision: evil }),
    config: JSON.stringify({ policy: evil, defaultTemplates: [evil], templates: { [evil]: evil } }),
  };
}

const CROWDED = Array.from({ length: 10_000 }, (_, index) => ({ name: `c${index}`, image: "app" }));

let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster();
  await cluster.installRevision({ name: REVISION, image: TARGET });
  for (const [name, labels] of [["shop", { "istio.io/rev": REVISION }]] as const) {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
    await cluster.request("POST", "/api/v1/namespaces", { body });
  }
  cluster.put([
    ...EVIL.flatMap(objectsOf),
    pod("crowded", "x", { containers: [...CROWDED, ...proxied("proxyv2:v1.27.7-1")] }),
    pod("long", "n".repeat(200_000), {}),
    pod("deep", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, {}),
  ] as never);
});
afterAll(() => cluster.stop());

const COMMANDS: readonly (readonly [args: readonly string[], codes: readonly number[]])[] = [
  [["check"], [2, 6]],
  [
    ["check", "--prove", "always"],
    [2, 6],
  ],
  [
    ["verify", "--namespace", "shop"],
    [2, 4],
  ],
  [
    ["restart", "--all-namespaces", "--dry-run", "--include", "unhealthy", "--allow-downtime"],
    [0, 6],
  ],
  [
    ["restart", "--namespace", "shop", "--dry-run=server"],
    [0, 6],
  ],
  [["revisions"], [0, 6]],
  [["status"], [2, 5, 6]],
  [
    ["status", "--to", "asm-1-99"],
    [5, 6],
  ],
  [
    ["revisions", ATTACKS["shell commands"] ?? "", "--assert-unused"],
    [5, 6],
  ],
  [
    ["explain", "deploy/late-0", "--namespace", "shop"],
    [2, 5, 6],
  ],
  ...EVIL.map((_, index): readonly [readonly string[], readonly number[]] => [
    ["explain", `pod/replica-${index}`, "--namespace", "shop"],
    [1, 2, 5, 6],
  ]),
  [
    ["explain", "pod/crowded", "--namespace", "shop"],
    [2, 5, 6],
  ],
  [
    ["explain", "pod/long", "--namespace", "shop"],
    [2, 5, 6],
  ],
];
const OUTPUTS = [
  "table",
  "wide",
  "json",
  "jsonl",
  "markdown",
  "junit",
  "html",
  "prometheus",
] as const;

function outputsOf([command = "", subject]: readonly string[]) {
  if (subject?.startsWith("pod/replica")) return ["table"] as const;
  const hasMetrics = command === "check" || command === "verify";
  return OUTPUTS.filter((output) => hasMetrics || output !== "prometheus");
}

const RUNS = COMMANDS.flatMap(([args, codes]) =>
  outputsOf(args).map((output) => ({
    command: [...args, "--output", output].map((word) => JSON.stringify(word)).join(" "),
    args: [...args, "--output", output],
    codes,
    output,
  })),
);

describe("in a cluster with hostile texts", () => {
  test.each(RUNS)(
    "$command exits with the expected code and prints no unsafe character",
    async ({ args, codes, output }) => {
      const env = { KUBECONFIG: cluster.kubeconfig };
      const { status, stdout, stderr } = await runInProcess([...args, "--verbose"], env);
      expect(stderr).not.toContain("this is a bug");
      expect(codes).toContain(status);
      const lines = [...stdout.split("\n"), ...stderr.split("\n")];
      expect(lines.find((line) => UNSAFE.test(line))).toBeUndefined();
      expect(problemOf(output, stdout)).toBeUndefined();
      // The subject is still named; metrics name no workload.
      const named =
        args[0] === "revisions" || args[0] === "status"
          ? REVISION
          : output === "prometheus"
            ? "shop"
            : (/^\w+\/([\w-]+)$/.exec(args[1] ?? "")?.[1] ?? "late-0");
      expect(status === 1 || args.includes("--assert-unused") || stdout.includes(named)).toBe(true);
    },
  );

  test("the program sends only the requests of checks and dry runs", () => {
    const asked = cluster.requests
      .filter(({ userAgent }) => userAgent === "istio-upgrade")
      .map(({ path }) => path);
    expect(asked.length).toBeGreaterThan(100);
    expect(asked.filter((path) => /secret|token|kube-system/i.test(path))).toEqual([]);
  });
});

/** Returns the elements of a page that no page of the program has. */
function foreignElements(page: string): readonly unknown[] {
  return findElements(
    parsePage(page),
    ({ name, attributes }) =>
      /^(?:img|iframe|object|failure|link|base)$/.test(name) ||
      Object.keys(attributes).some((attribute) => /^(?:on|src$|style$)/.test(attribute)),
  );
}

/** Returns the error that a parser of the output format would report. */
function problemOf(output: (typeof OUTPUTS)[number], stdout: string): unknown {
  if (stdout === "" && output !== "junit") return undefined;
  try {
    if (output === "json") parseLines(JSON.stringify(JSON.parse(stdout)));
    if (output === "jsonl") parseLines(stdout);
    if (output === "junit") {
      const parser = new SaxesParser();
      parser.on("error", (error) => {
        throw error;
      });
      parser.write(stdout).close();
    }
    if (output === "html") return foreignElements(stdout)[0];
    return undefined;
  } catch (error) {
    return error;
  }
}
