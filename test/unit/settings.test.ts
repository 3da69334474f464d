import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { NO_CONSENT } from "../../src/mesh/consent.ts";
import type { RawOptions } from "../../src/option-values.ts";
import {
  commonSettings,
  encodingOf,
  moveSettings,
  restartSettings,
  verifySettings,
} from "../../src/settings.ts";
import { formatStep } from "../support/build/next-step.ts";

/** The options that commander returns without flags. */
const COMMON: RawOptions = {
  requestTimeout: "30s",
  istioNamespace: "aks-istio-system",
  output: "table",
  headers: true,
  color: "auto",
  prove: "auto",
};
const RESTART: RawOptions = {
  ...COMMON,
  namespace: ["shop"],
  maxParallel: "4",
  maxFailures: "1",
  pause: "0s",
  timeout: "10m",
  schedulingTimeout: "30s",
  gateTimeout: "10m",
};
const VERIFY: RawOptions = { ...COMMON, wait: "0s" };

/** `message | hint` of the usage error; throws if there is none. */
function errorOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof UsageError) return `${error.message} | ${formatStep(error.hint)}`;
    throw error;
  }
  throw new Error("it was accepted");
}

test("without flags, check reads the whole cluster and expects AKS", () => {
  expect(commonSettings(COMMON)).toMatchObject({
    prove: "auto",
    connection: {
      kubeconfig: undefined,
      context: undefined,
      as: undefined,
      asGroups: [],
      requestTimeout: 30_000,
    },
    istioNamespace: "aks-istio-system",
    scope: {
      namespaces: [],
      allNamespaces: false,
      workloads: [],
      selector: undefined,
      revision: undefined,
      excludes: [],
    },
    display: { output: "table", color: "auto", headers: true, quiet: false, verbose: false },
  });
});

test("every common flag becomes a typed setting", () => {
  const settings = commonSettings({
    ...COMMON,
    kubeconfig: "/k",
    context: "prod",
    as: "jane",
    asGroup: ["ops", "dev"],
    requestTimeout: "1m30s",
    istioNamespace: "istio-system",
    namespace: ["shop", "pay", "shop"],
    selector: "app=web,!legacy",
    revision: "asm-1-27",
    output: "wide",
    headers: false,
    quiet: true,
    verbose: true,
    color: "never",
    prove: "never",
  });
  expect(settings).toMatchObject({
    prove: "never",
    connection: {
      kubeconfig: "/k",
      context: "prod",
      as: "jane",
      asGroups: ["ops", "dev"],
      requestTimeout: 90_000,
    },
    istioNamespace: "istio-system",
    scope: {
      namespaces: ["shop", "pay"],
      allNamespaces: false,
      workloads: [],
      selector: {
        text: "app=web,!legacy",
        parsed: {
          matchExpressions: [
            { key: "app", operator: "In", values: ["web"] },
            { key: "legacy", operator: "DoesNotExist" },
          ],
        },
      },
      revision: "asm-1-27",
      excludes: [],
    },
    display: { output: "wide", color: "never", headers: false, quiet: true, verbose: true },
  });
});

test("--json is the same as --output json", () => {
  expect(commonSettings({ ...COMMON, json: true }).display.output).toBe("json");
  expect(commonSettings({ ...COMMON, output: "json" }).display.output).toBe("json");
});

test("every flag of restart becomes a typed setting", () => {
  const settings = restartSettings(
    {
      ...RESTART,
      dryRun: "server",
      yes: true,
      maxParallel: "8",
      maxFailures: "3",
      timeout: "1h",
      schedulingTimeout: "2m",
      include: ["missing", "unhealthy", "missing"],
      allowDowntime: true,
      allowRevision: ["asm-1-28", "asm-1-27", "asm-1-28"],
      reason: "CVE-2026-1",
      waves: "1,10%,50%",
      soak: "5m",
      gate: "./check-slo",
      gateTimeout: "90s",
    },
    [],
  );
  expect(settings).toMatchObject({
    dryRun: "server",
    yes: true,
    maxParallel: 8,
    maxFailures: 3,
    timeout: 3_600_000,
    schedulingTimeout: 120_000,
    allowRevisions: ["asm-1-28", "asm-1-27"],
    consent: { missing: true, current: false, unhealthy: true, downtime: true },
    reason: "CVE-2026-1",
    waves: {
      sizes: [
        { kind: "count", value: 1 },
        { kind: "percent", value: 10 },
        { kind: "percent", value: 50 },
      ],
      soak: 300_000,
      gate: "./check-slo",
      gateTimeout: 90_000,
    },
  });
});

test("without flags, restart is a real run that asks first and restarts few workloads at a time", () => {
  expect(restartSettings(RESTART, [])).toMatchObject({
    dryRun: undefined,
    yes: false,
    maxParallel: 4,
    maxFailures: 1,
    timeout: 600_000,
    schedulingTimeout: 30_000,
    consent: NO_CONSENT,
    reason: undefined,
    waves: undefined,
  });
});

test("a soak or a gate alone has one wave, and no soak is none", () => {
  const wavesOf = (raw: RawOptions) => restartSettings({ ...RESTART, ...raw }, []).waves;
  const defaults = { sizes: [], soak: 0, gate: undefined, gateTimeout: 600_000 };
  expect(wavesOf({ soak: "1m" })).toEqual({ ...defaults, soak: 60_000 });
  expect(wavesOf({ gate: "./ok" })).toEqual({ ...defaults, gate: "./ok" });
  expect(wavesOf({ soak: "0s" })).toBeUndefined();
  // A plan says what is restarted, not at which pace.
  const { namespace: _, ...planned } = RESTART;
  expect(restartSettings({ ...planned, plan: "plan.json", soak: "1m" }, []).waves?.soak).toBe(
    60_000,
  );
});

test("verify waits for the time in --wait", () => {
  expect(verifySettings(VERIFY).wait).toBe(0);
  expect(verifySettings({ ...VERIFY, wait: "5m" }).wait).toBe(300_000);
});

test.each([
  [undefined, "protobuf"],
  ["", "protobuf"],
  ["protobuf", "protobuf"],
  ["json", "json"],
])("ISTIO_UPGRADE_ENCODING=%s reads lists as %s", (value, encoding) => {
  expect(encodingOf({ ISTIO_UPGRADE_ENCODING: value })).toBe(encoding);
});

test.each<[flags: RawOptions, expected: boolean]>([
  [{}, false],
  [{ include: ["current"] }, false],
  [{ drift: true }, true],
  [{ include: ["drifted"] }, true],
  [{ onlySidecar: true }, true],
])("pods are compared with new ones if a flag needs it: %j", (flags, expected) => {
  expect(restartSettings({ ...RESTART, ...flags }, []).drift).toBe(expected);
});

test("a flag that needs dry runs contradicts --prove=never", () => {
  const message = "needs dry runs, which --prove=never switches off | use only one of them";
  const withoutProof = { ...RESTART, prove: "never" };
  expect(errorOf(() => commonSettings({ ...withoutProof, drift: true }))).toBe(
    `--drift ${message}`,
  );
  expect(errorOf(() => restartSettings({ ...withoutProof, include: ["drifted"] }, []))).toBe(
    `--include drifted ${message}`,
  );
  expect(errorOf(() => restartSettings({ ...withoutProof, onlySidecar: true }, []))).toBe(
    `--only-sidecar ${message}`,
  );
});

test("any other ISTIO_UPGRADE_ENCODING is a usage error", () => {
  expect(() => encodingOf({ ISTIO_UPGRADE_ENCODING: "xml" })).toThrow(
    'ISTIO_UPGRADE_ENCODING "xml" is not valid',
  );
});

describe("restart accepts as its scope", () => {
  test.each<[what: string, raw: RawOptions, names: readonly string[]]>([
    ["a namespace", { namespace: ["shop"] }, []],
    ["several namespaces", { namespace: ["shop", "pay"] }, []],
    ["all namespaces", { namespace: undefined, allNamespaces: true }, []],
    ["names alone", { namespace: undefined }, ["deploy/web"]],
    ["names in a namespace", { namespace: ["shop"] }, ["deploy/web", "sts/db"]],
    ["names in a namespace that is given twice", { namespace: ["shop", "shop"] }, ["ds/agent"]],
  ])("%s", (_what, raw, names) => {
    expect(restartSettings({ ...RESTART, ...raw }, names).scope.workloads).toHaveLength(
      names.length,
    );
  });
});

test.each([
  ["deploy/web", { kind: "Deployment", name: "web" }],
  ["deployments.apps/web", { kind: "Deployment", name: "web" }],
  ["StatefulSet/db", { kind: "StatefulSet", name: "db" }],
  ["ds/agent", { kind: "DaemonSet", name: "agent" }],
])("%s names %j", (given, workload) => {
  expect(restartSettings(RESTART, [given]).scope.workloads).toEqual([workload]);
});

test("workloads can have the form of kubectl, a kind and names", () => {
  expect(restartSettings(RESTART, ["sts", "db", "deploy"]).scope.workloads).toEqual([
    { kind: "StatefulSet", name: "db" },
    { kind: "StatefulSet", name: "deploy" },
  ]);
});

describe("--exclude", () => {
  test.each([
    ["deploy", { namespace: undefined, kind: "Deployment", name: undefined }],
    ["deploy/web", { namespace: undefined, kind: "Deployment", name: "web" }],
    ["shop/deploy", { namespace: "shop", kind: "Deployment", name: undefined }],
    ["shop/sts/db", { namespace: "shop", kind: "StatefulSet", name: "db" }],
  ])("%s leaves out %j", (given, parts) => {
    const { excludes } = commonSettings({ ...COMMON, exclude: [given] }).scope;
    expect(excludes).toEqual([
      { text: `--exclude ${given}`, args: ["--exclude", given], ...parts },
    ]);
  });

  test("--exclude-namespace leaves out the whole namespace, and is listed last", () => {
    const raw = { ...COMMON, exclude: ["ds"], excludeNamespace: ["pay"] };
    const { excludes } = commonSettings(raw).scope;
    expect(excludes).toEqual([
      {
        text: "--exclude ds",
        args: ["--exclude", "ds"],
        namespace: undefined,
        kind: "DaemonSet",
        name: undefined,
      },
      {
        text: "--exclude-namespace pay",
        args: ["--exclude-namespace", "pay"],
        namespace: "pay",
        kind: undefined,
        name: undefined,
      },
    ]);
  });
});

const KINDS =
  "kinds are deployment, statefulset, daemonset and rollout: deploy/web, sts/db, ds/agent, ro/api";
const NAMES =
  "use lower-case letters, digits and dashes; list the namespaces with: kubectl get namespaces";

describe("--max-age", () => {
  test.each([
    [undefined, undefined],
    ["30d", 2_592_000_000],
    ["1d12h", 129_600_000],
    ["90s", 90_000],
  ])("%s is %s milliseconds", (maxAge, milliseconds) => {
    expect(commonSettings({ ...COMMON, maxAge }).maxAge).toBe(milliseconds);
    expect(verifySettings({ ...COMMON, wait: "0s", maxAge }).maxAge).toBe(milliseconds);
  });
});

describe("usage errors of any command", () => {
  test.each<[raw: RawOptions, error: string]>([
    [{ requestTimeout: "5" }, '--request-timeout "5" is not a duration | write 90s, 10m or 1h30m'],
    [
      { requestTimeout: undefined },
      '--request-timeout "undefined" is not a duration | write 90s, 10m or 1h30m',
    ],
    ...["30", "", "0", "0d", "-1d", "1d 12h", "soon", `${"9".repeat(20)}d`].map(
      (maxAge): [RawOptions, string] => [
        { maxAge },
        `--max-age "${maxAge}" is not a duration above 0 | write 30d, 12h or 1d12h, with days of 24 hours`,
      ],
    ),
    [{ istioNamespace: "" }, `--istio-namespace "" is not a valid namespace name | ${NAMES}`],
    [
      { istioNamespace: "Istio" },
      `--istio-namespace "Istio" is not a valid namespace name | ${NAMES}`,
    ],
    [{ namespace: ["shop", "a/b"] }, `--namespace "a/b" is not a valid namespace name | ${NAMES}`],
    [{ namespace: ["-shop"] }, `--namespace "-shop" is not a valid namespace name | ${NAMES}`],
    [
      { namespace: ["a".repeat(64)] },
      `--namespace "${"a".repeat(64)}" is not a valid namespace name | ${NAMES}`,
    ],
    [
      { excludeNamespace: ["Pay"] },
      `--exclude-namespace "Pay" is not a valid namespace name | ${NAMES}`,
    ],
    [
      { namespace: ["shop"], allNamespaces: true },
      "--namespace and --all-namespaces cannot be used together | use only one of them",
    ],
    [
      { namespaceSelector: "team=pay", namespace: ["shop"] },
      "--namespace-selector and --namespace cannot be used together | use only one of them",
    ],
    [
      { namespaceSelector: "team=pay", allNamespaces: true },
      "--namespace-selector and --all-namespaces cannot be used together | use only one of them",
    ],
    [
      { namespaceSelector: "team=a b" },
      '--namespace-selector has an invalid part: "team=a b" | use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy',
    ],
    [
      { selector: "app=web,a b" },
      '--selector has an invalid part: "a b" | use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy',
    ],
    [
      { selector: "" },
      '--selector has an invalid part: "" | use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy',
    ],
    [
      { output: "yaml" },
      '--output "yaml" is not valid | use one of: table, wide, json, jsonl, markdown, junit, html, prometheus',
    ],
    [{ prove: "sometimes" }, '--prove "sometimes" is not valid | use one of: auto, always, never'],
    [{ color: "yes" }, '--color "yes" is not valid | use one of: auto, always, never'],
    [
      { exclude: ["web"] },
      `--exclude "web" is not [NAMESPACE/]KIND[/NAME] | ${KINDS}, shop/deploy/web`,
    ],
    [
      { exclude: ["shop/web"] },
      `--exclude "shop/web" is not [NAMESPACE/]KIND[/NAME] | ${KINDS}, shop/deploy/web`,
    ],
    [{ exclude: ["/deploy/web"] }, `--exclude "" is not a valid namespace name | ${NAMES}`],
    [
      { exclude: ["Shop!/deploy/web"] },
      `--exclude "Shop!" is not a valid namespace name | ${NAMES}`,
    ],
    [{ namespace: [""] }, `--namespace "" is not a valid namespace name | ${NAMES}`],
    [{ exclude: [""] }, `--exclude "" is not [NAMESPACE/]KIND[/NAME] | ${KINDS}, shop/deploy/web`],
    [
      { exclude: ["deploy/"] },
      `--exclude "deploy/" is not [NAMESPACE/]KIND[/NAME] | ${KINDS}, shop/deploy/web`,
    ],
    [
      { exclude: ["shop/deploy/web/x"] },
      `--exclude "shop/deploy/web/x" is not [NAMESPACE/]KIND[/NAME] | ${KINDS}, shop/deploy/web`,
    ],
  ])("%j", (raw, error) => {
    expect(errorOf(() => commonSettings({ ...COMMON, ...raw }))).toBe(error);
  });
});

describe("usage errors of restart", () => {
  const scope =
    "add --namespace NAMESPACE, --all-namespaces, --namespace-selector LABELS, or workloads as KIND/NAME";
  const one = "named workloads must be in one namespace | use a single --namespace with them";

  test.each<[raw: RawOptions, names: readonly string[], error: string]>([
    [{ namespace: undefined }, [], `restart needs a scope | ${scope}`],
    [{ namespace: [], selector: "app=web" }, [], `restart needs a scope | ${scope}`],
    [{ namespace: ["shop", "pay"] }, ["deploy/web"], one],
    [{ namespace: undefined, allNamespaces: true }, ["deploy/web"], one],
    [{ namespace: undefined, namespaceSelector: "team=pay" }, ["deploy/web"], one],
    [{}, ["web"], `"web" is not a KIND/NAME that can be restarted | ${KINDS}`],
    [
      {},
      ["pod/web"],
      '"pod/web" is not a KIND/NAME that can be restarted | see which workload it belongs to, and what to do: istio-upgrade explain pod/web --namespace shop',
    ],
    [{}, ["web", "api"], `"web" is not a KIND/NAME that can be restarted | ${KINDS}`],
    [{}, ["deploy", "sts/db"], `"deploy" is not a KIND/NAME that can be restarted | ${KINDS}`],
    [{}, ["deploy/"], `"deploy/" is not a KIND/NAME that can be restarted | ${KINDS}`],
    [{}, ["deploy/web/x"], `"deploy/web/x" is not a KIND/NAME that can be restarted | ${KINDS}`],
    [{ dryRun: "none" }, [], '--dry-run "none" is not valid | use one of: client, server'],
    [{ dryRun: "" }, [], '--dry-run "" is not valid | use one of: client, server'],
    [
      { maxParallel: "0" },
      [],
      '--max-parallel "0" is not a whole number above 0 | write a whole number, 1 or more',
    ],
    [
      { maxParallel: "-1" },
      [],
      '--max-parallel "-1" is not a whole number above 0 | write a whole number, 1 or more',
    ],
    [
      { maxParallel: "1.5" },
      [],
      '--max-parallel "1.5" is not a whole number above 0 | write a whole number, 1 or more',
    ],
    [
      { maxParallel: "1e3" },
      [],
      '--max-parallel "1e3" is not a whole number above 0 | write a whole number, 1 or more',
    ],
    [
      { maxParallel: "" },
      [],
      '--max-parallel "" is not a whole number above 0 | write a whole number, 1 or more',
    ],
    [
      { waves: "10%,1,1" },
      [],
      '--waves "10%,1,1" is not a list of growing numbers and percentages | write the workloads that are restarted after each wave, such as 1,10%,50%; the last wave is the rest',
    ],
    [{ soak: "5" }, [], '--soak "5" is not a duration | write 90s, 10m or 1h30m'],
    [
      { gateTimeout: "0s" },
      [],
      '--gate-timeout "0s" would give up on every gate at once | write the longest time that a gate may take, such as 10m',
    ],
    [
      { maxFailures: "9".repeat(20) },
      [],
      `--max-failures "${"9".repeat(20)}" is not a whole number above 0 | write a whole number, 1 or more`,
    ],
    [{ timeout: "ten" }, [], '--timeout "ten" is not a duration | write 90s, 10m or 1h30m'],
    [
      { timeout: "0s" },
      [],
      '--timeout "0s" would give up on every workload at once | write the longest time that a workload may make no progress, such as 10m or 2h',
    ],
    [
      { include: ["missing", "all"] },
      [],
      '--include "all" is not valid | use one of: missing, current, drifted, unhealthy',
    ],
  ])("%j %j", (raw, names, error) => {
    expect(errorOf(() => restartSettings({ ...RESTART, ...raw }, names))).toBe(error);
  });
});

test("usage errors of verify", () => {
  const error = '--wait "soon" is not a duration | write 90s, 10m or 1h30m';
  expect(errorOf(() => verifySettings({ ...VERIFY, wait: "soon" }))).toBe(error);
});

describe("the settings of a move", () => {
  const { namespace: _, ...MOVE } = RESTART;

  test("have the namespaces as scope", () => {
    const settings = moveSettings({ ...MOVE, to: "asm-1-28" }, ["shop,pay", "cart"]);
    expect(settings).toMatchObject({
      to: "asm-1-28",
      dropInjectionLabel: false,
      waitForLabel: 0,
      scope: { namespaces: ["shop", "pay", "cart"], workloads: [] },
    });
    const others = { to: "canary", waitForLabel: "30m", dropInjectionLabel: true };
    expect(moveSettings({ ...MOVE, ...others }, ["shop"])).toMatchObject({
      waitForLabel: 1_800_000,
      dropInjectionLabel: true,
    });
  });

  test("have the selector of namespaces instead of names", () => {
    const settings = moveSettings({ ...MOVE, to: "asm-1-28", namespaceSelector: "ring=1" }, []);
    expect(settings.scope).toMatchObject({ namespaces: [], namespaceSelector: { text: "ring=1" } });
  });

  test.each<[RawOptions, readonly string[], RegExp]>([
    [
      { to: "asm-1-28" },
      [],
      /^move needs a namespace \| name the namespaces: istio-upgrade move NAMESPACE --to REVISION; or add --namespace-selector LABELS$/,
    ],
    [
      { to: "asm-1-28", namespaceSelector: "ring=1" },
      ["shop"],
      /^--namespace-selector and named namespaces cannot be used together \| use only one of them$/,
    ],
    [
      { to: "asm-1-28", namespaceSelector: "ring===1" },
      [],
      /^--namespace-selector has an invalid part: "ring===1"/,
    ],
    [
      { plan: "p.json", namespaceSelector: "ring=1" },
      [],
      /^--plan defines what to restart, so --namespace-selector cannot/,
    ],
    [{}, ["shop"], /^move needs --to, the revision or the tag/],
    [{ to: "asm-1-28" }, ["Shop"], /^the argument "Shop" is not a valid namespace name/],
    [
      { to: "asm-1-28", waitForLabel: "soon" },
      ["shop"],
      /^--wait-for-label "soon" is not a duration/,
    ],
    [{ plan: "p.json", to: "asm-1-28" }, [], /^--plan defines what to restart, so --to cannot/],
    [{ plan: "p.json" }, ["shop"], /^--plan defines what to restart, so shop cannot/],
    [
      { to: "asm-1-28", dryRun: "client" },
      ["shop", "server"],
      /^"server" after --dry-run would be/,
    ],
  ])("reject %j with %j", (raw, names, message) => {
    expect(errorOf(() => moveSettings({ ...MOVE, ...raw }, names))).toMatch(message);
  });
});

describe("the settings of --in-place", () => {
  test("take pods and Jobs, and no consent but --allow-downtime", () => {
    const raw = { ...RESTART, inPlace: true, pull: true, allowDowntime: true };
    expect(restartSettings(raw, ["pod/cache", "job/import", "deploy/web"])).toMatchObject({
      inPlace: true,
      pull: true,
      consent: { ...NO_CONSENT, downtime: true },
      scope: {
        workloads: [
          { kind: "Pod", name: "cache" },
          { kind: "Job", name: "import" },
          { kind: "Deployment", name: "web" },
        ],
      },
    });
    expect(restartSettings(RESTART, [])).toMatchObject({ inPlace: false, pull: false });
  });

  test.each<[raw: RawOptions, names: readonly string[], error: string]>([
    [
      { pull: true },
      [],
      "--pull pulls images for --in-place, which is missing | add --in-place, or omit --pull: a restart pulls by itself",
    ],
    [
      { inPlace: true, include: ["drifted"] },
      [],
      "--include drifted cannot be used with --in-place: a new sidecar needs a restart | use only one of them",
    ],
    [
      { inPlace: true, allowRevision: ["asm-1-28"] },
      [],
      "--allow-revision cannot be used with --in-place: another revision needs a restart | use only one of them",
    ],
    [
      { inPlace: true, prove: "never" },
      [],
      "--prove=never cannot be used with --in-place: dry runs show whether only the image differs | use only one of them",
    ],
    [
      { inPlace: true, plan: "plan.json", namespace: undefined },
      [],
      "--plan defines what to restart, so --in-place cannot be used with it | omit it, or make another plan: istio-upgrade restart --dry-run --output json",
    ],
    [
      { inPlace: true },
      ["thing/web"],
      '"thing/web" is not a KIND/NAME that can be restarted | kinds are deployment, statefulset, daemonset and rollout: deploy/web, sts/db, ds/agent, ro/api, and with --in-place also pod/web and job/import',
    ],
  ])("reject %j with %j", (raw, names, error) => {
    expect(errorOf(() => restartSettings({ ...RESTART, ...raw }, names))).toBe(error);
  });
});

describe("--lease", () => {
  test.each<[given: string, namespace: string | undefined, name: string]>([
    ["istio-upgrade", undefined, "istio-upgrade"],
    ["ops/istio-upgrade", "ops", "istio-upgrade"],
    ["ops/a.b-c.1", "ops", "a.b-c.1"],
    [`ops/${"a".repeat(253)}`, "ops", "a".repeat(253)],
  ])("%s names a lease", (lease, namespace, name) => {
    expect(restartSettings({ ...RESTART, lease }, []).lease).toEqual({
      text: lease,
      namespace,
      name,
    });
  });

  test.each([
    "",
    "/",
    "ops/",
    "/istio-upgrade",
    "a/b/c",
    "Istio",
    "a_b",
    "-a",
    "a-",
    "a..b",
    "a.-b",
    "a-.b",
    "o.ps/istio-upgrade",
    "a".repeat(254),
  ])("%s names none", (lease) => {
    expect(errorOf(() => restartSettings({ ...RESTART, lease }, []))).toBe(
      `--lease "${lease}" is not the name of a lease | write NAME or NAMESPACE/NAME, in lower-case letters, digits, dashes and dots, as in ops/istio-upgrade`,
    );
  });

  test("is taken by a move as well", () => {
    const settings = moveSettings({ ...RESTART, to: "asm-1-28", lease: "ops/move" }, ["shop"]);
    expect(settings.lease).toMatchObject({ namespace: "ops", name: "move" });
  });
});
