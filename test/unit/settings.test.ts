import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { NO_CONSENT } from "../../src/mesh/consent.ts";
import type { RawOptions } from "../../src/option-values.ts";
import { commonSettings, encodingOf, restartSettings, verifySettings } from "../../src/settings.ts";
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
      include: ["missing", "unhealthy", "missing"],
      allowDowntime: true,
      reason: "CVE-2026-1",
    },
    [],
  );
  expect(settings).toMatchObject({
    dryRun: "server",
    yes: true,
    maxParallel: 8,
    maxFailures: 3,
    timeout: 3_600_000,
    consent: { missing: true, current: false, unhealthy: true, downtime: true },
    reason: "CVE-2026-1",
  });
});

test("without flags, restart is a real run that asks first and restarts few workloads at a time", () => {
  expect(restartSettings(RESTART, [])).toMatchObject({
    dryRun: undefined,
    yes: false,
    maxParallel: 4,
    maxFailures: 1,
    timeout: 600_000,
    consent: NO_CONSENT,
    reason: undefined,
  });
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

describe("usage errors of any command", () => {
  test.each<[raw: RawOptions, error: string]>([
    [{ requestTimeout: "5" }, '--request-timeout "5" is not a duration | write 90s, 10m or 1h30m'],
    [
      { requestTimeout: undefined },
      '--request-timeout "undefined" is not a duration | write 90s, 10m or 1h30m',
    ],
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
      { selector: "app=web,a b" },
      '--selector has an invalid part: "a b" | use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy',
    ],
    [
      { selector: "" },
      '--selector has an invalid part: "" | use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy',
    ],
    [
      { output: "yaml" },
      '--output "yaml" is not valid | use one of: table, wide, json, jsonl, markdown, junit',
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
  const scope = "add --namespace NAMESPACE, --all-namespaces, or workloads as KIND/NAME";
  const one = "named workloads must be in one namespace | use a single --namespace with them";

  test.each<[raw: RawOptions, names: readonly string[], error: string]>([
    [{ namespace: undefined }, [], `restart needs a scope | ${scope}`],
    [{ namespace: [], selector: "app=web" }, [], `restart needs a scope | ${scope}`],
    [{ namespace: ["shop", "pay"] }, ["deploy/web"], one],
    [{ namespace: undefined, allNamespaces: true }, ["deploy/web"], one],
    [{}, ["web"], `"web" is not a KIND/NAME that can be restarted | ${KINDS}`],
    [{}, ["pod/web"], `"pod/web" is not a KIND/NAME that can be restarted | ${KINDS}`],
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
      '--include "all" is not valid | use one of: missing, current, unhealthy',
    ],
  ])("%j %j", (raw, names, error) => {
    expect(errorOf(() => restartSettings({ ...RESTART, ...raw }, names))).toBe(error);
  });
});

test("usage errors of verify", () => {
  const error = '--wait "soon" is not a duration | write 90s, 10m or 1h30m';
  expect(errorOf(() => verifySettings({ ...VERIFY, wait: "soon" }))).toBe(error);
});
