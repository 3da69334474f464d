import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { webhookRecords } from "../../src/cluster/control-plane-records.ts";
import { eventually, type Sandbox, test } from "../contract/sandbox.ts";
import { deployment, pod } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { Answer } from "../support/test-cluster.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1";
const REVISION = "asm-1-27";
const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const MERGE = "application/merge-patch+json";
const PODS = {
  operations: ["CREATE"],
  apiGroups: [""],
  apiVersions: ["v1"],
  resources: ["pods"],
};

const NOTHING = { matchLabels: { odd: "nothing" } };

/** Checks for every valid form of a webhook whether the API server calls it for a new pod. */
describe("the real API server", () => {
  let cluster: RealCluster;
  /** The webhook as istiod wrote it, with its certificate authority. */
  let stock: Answer["body"];
  const made: string[] = [];

  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: IMAGE });
    const name = `istio-sidecar-injector-${REVISION}-aks-istio-system`;
    stock = (await cluster.request("GET", `${CONFIGURATIONS}/${name}`)).body.webhooks[0];
  });
  afterAll(async () => {
    await Promise.all(made.map((name) => cluster.request("DELETE", `${CONFIGURATIONS}/${name}`)));
    await cluster.stop();
  });

  /**
   * Creates an injected pod in a namespace, and then lets only webhooks with the label `odd` select
   * the namespace.
   */
  async function selectOnlyByOdd(sandbox: Sandbox): Promise<void> {
    await sandbox.create("deployments", deployment("web"));
    await eventually(async () => expect(await sandbox.pods()).toHaveLength(1));
    await sandbox.relabel({ "istio.io/rev": null, odd: sandbox.name });
  }

  /** Creates a webhook for pods, or namespaces, with the label `odd=NAME`. */
  async function configure(changes: object): Promise<{ name: string; stored: Answer["body"] }> {
    const name = `odd-${randomBytes(4).toString("hex")}`;
    const webhook = {
      ...stock,
      name: `${name}.sidecar-injector.istio.io`,
      namespaceSelector: {},
      objectSelector: { matchLabels: { odd: name } },
      ...changes,
    };
    const body = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name },
      webhooks: [webhook],
    };
    const answer = await cluster.request("POST", CONFIGURATIONS, { body });
    expect(answer).toMatchObject({ status: 201 });
    made.push(name);
    return { name, stored: answer.body };
  }

  /**
   * Waits until the API server uses new configurations, which takes a moment: creates a webhook
   * that is called for any pod, and waits until it is called.
   */
  async function settled(sandbox: Sandbox): Promise<void> {
    const { name } = await configure({ rules: [PODS] });
    await eventually(async () => expect(await isInjected(sandbox, name)).toBe(true));
  }

  async function dryRun(sandbox: Sandbox, odd: string): Promise<Answer["body"]> {
    const body = pod("dry", { labels: { odd } });
    const answer = await cluster.request("POST", `${sandbox.path("pods")}?dryRun=All`, { body });
    expect(answer).toMatchObject({ status: 201 });
    return answer.body;
  }

  async function isInjected(sandbox: Sandbox, odd: string): Promise<boolean> {
    const { metadata } = await dryRun(sandbox, odd);
    return metadata.annotations?.["sidecar.istio.io/status"] !== undefined;
  }

  const RULES: readonly (readonly [what: string, rules: readonly object[], called: boolean])[] = [
    ["pods", [PODS], true],
    ["any operation", [{ ...PODS, operations: ["*"] }], true],
    ["updates", [{ ...PODS, operations: ["UPDATE", "DELETE", "CONNECT"] }], false],
    ["any group", [{ ...PODS, apiGroups: ["*"] }], true],
    ["another group", [{ ...PODS, apiGroups: ["apps"] }], false],
    ["any version", [{ ...PODS, apiVersions: ["*"] }], true],
    ["another version", [{ ...PODS, apiVersions: ["v2", "v1beta1"] }], false],
    ["any resource", [{ ...PODS, resources: ["*"] }], true],
    ["any resource and part", [{ ...PODS, resources: ["*/*"] }], true],
    ["pods and their parts", [{ ...PODS, resources: ["pods/*"] }], true],
    ["parts of pods", [{ ...PODS, resources: ["pods/status", "pods/exec"] }], false],
    ["one part of anything", [{ ...PODS, resources: ["*/status"] }], false],
    ["pods with an empty part", [{ ...PODS, resources: ["pods/"] }], true],
    ["other resources", [{ ...PODS, resources: ["services", "podtemplates"] }], false],
    ["namespaced pods", [{ ...PODS, scope: "Namespaced" }], true],
    ["any scope", [{ ...PODS, scope: "*" }], true],
    ["cluster scope", [{ ...PODS, scope: "Cluster" }], false],
    ["several rules", [{ ...PODS, resources: ["services"] }, PODS], true],
    [
      "halves of several rules",
      [
        { ...PODS, resources: ["services"] },
        { ...PODS, operations: ["UPDATE"] },
      ],
      false,
    ],
    ["no rules", [], false],
  ];

  test.for(["Exact", "Equivalent"])(
    "calls a webhook of matchPolicy %s according to its rules",
    async (matchPolicy, { enter }) => {
      const sandbox = await enter();
      const all = await Promise.all(
        RULES.map(async ([what, rules, called]) => {
          const { name, stored } = await configure({ rules, matchPolicy });
          return { what, called, name, stored };
        }),
      );
      await settled(sandbox);
      const seen = await Promise.all(
        all.map(async ({ what, name }) => [what, await isInjected(sandbox, name)]),
      );
      expect(seen).toEqual(all.map(({ what, called }) => [what, called]));
      expect(all.map(({ what, stored }) => [what, webhookRecords(stored).length > 0])).toEqual(
        seen,
      );
    },
  );

  test("the revision comes from istiod's environment, not from the path of the webhook", async ({
    enter,
  }) => {
    const service = { ...stock.clientConfig.service, path: "/inject/cluster/east/rev/asm-1-99" };
    const clientConfig = { ...stock.clientConfig, service };
    const { name } = await configure({ rules: [PODS], clientConfig });
    const sandbox = await enter();
    await settled(sandbox);
    const { metadata, spec } = await dryRun(sandbox, name);
    expect(metadata.annotations["istio.io/rev"]).toBe(REVISION);
    const { env } = spec.containers.find((one: Answer["body"]) => one.name === "istio-proxy");
    expect(env).toContainEqual({ name: "ISTIO_META_CLUSTER_ID", value: "east" });
    expect(env).toContainEqual({ name: "REV", value: "asm-1-99" });
  });

  test.for([
    ["Fail", "blocked", "pod-refused"],
    ["Ignore", "would-lose", "not-injected"],
  ] as const)(
    "a webhook with a URL and failurePolicy %s can be assessed only by a dry run",
    async ([failurePolicy, verdict, code], { enter }) => {
      const sandbox = await enter({ "istio.io/rev": REVISION });
      await selectOnlyByOdd(sandbox);
      const url = "https://127.0.0.1:1/inject";
      await configure({
        rules: [PODS],
        failurePolicy,
        clientConfig: { url },
        namespaceSelector: { matchLabels: { odd: sandbox.name } },
        objectSelector: {},
      });
      const check = async (prove: string) => {
        const args = ["check", "-n", sandbox.name, `--prove=${prove}`, "--json"];
        const ran = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
        const report = parseReport("CheckReport", ran.stdout);
        return { status: ran.status, entry: report.workloads[0] };
      };
      expect(await check("never")).toMatchObject({
        status: 6,
        entry: { verdict: "unknown", code: "control-plane-remote" },
      });
      // The API server sees a new configuration a moment later.
      await eventually(async () => {
        const proved = { verdict, code, proof: "proved" };
        expect(await check("auto")).toMatchObject({ status: 5, entry: proved });
      });
    },
  );

  test.for([
    ["Fail", "blocked", "webhook-dead"],
    ["Ignore", "would-lose", "webhook-dead-ignored"],
  ] as const)(
    "trusts no webhook without a caBundle, which istiod writes if its label exists: failurePolicy %s",
    async ([failurePolicy, verdict, code], { enter }) => {
      const sandbox = await enter({ "istio.io/rev": REVISION });
      await selectOnlyByOdd(sandbox);
      const { name } = await configure({
        rules: [PODS],
        failurePolicy,
        clientConfig: { service: stock.clientConfig.service },
        namespaceSelector: { matchLabels: { odd: sandbox.name } },
        objectSelector: {},
      });
      const check = async (prove: string) => {
        const args = ["check", "-n", sandbox.name, `--prove=${prove}`, "--json"];
        const ran = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
        return parseReport("CheckReport", ran.stdout).workloads[0];
      };
      const predicted = await check("never");
      expect(predicted).toMatchObject({ verdict, code });
      await eventually(async () => {
        const proved = await check("always");
        expect(proved).toMatchObject({ verdict, proof: "proved" });
        expect(proved?.warnings.map((warning) => warning.code)).not.toContain("proof-differs");
      });
      expect(predicted?.nextStep).toBe(
        `kubectl label mutatingwebhookconfigurations ${name} istio.io/rev=${REVISION} --overwrite`,
      );
      const authorized = { metadata: { labels: { "istio.io/rev": REVISION } } };
      const options = { body: authorized, contentType: MERGE };
      expect((await cluster.request("PATCH", `${CONFIGURATIONS}/${name}`, options)).status).toBe(
        200,
      );
      await eventually(async () =>
        expect(await check("always")).toMatchObject({ verdict: "current" }),
      );
    },
  );

  test.for([
    ["None", 201],
    ["NoneOnDryRun", 201],
    ["Some", 422],
    ["Unknown", 422],
  ] as const)(
    "creates a webhook of sideEffects %s with status %i",
    async ([sideEffects, status]) => {
      const webhook = { ...stock, rules: [PODS], sideEffects, objectSelector: NOTHING };
      const body = {
        apiVersion: "admissionregistration.k8s.io/v1",
        kind: "MutatingWebhookConfiguration",
        metadata: { name: "odd" },
        webhooks: [webhook],
      };
      // So a dry run can find everything that keeps a pod from being created.
      const answer = await cluster.request("POST", `${CONFIGURATIONS}?dryRun=All`, { body });
      expect(answer.status).toBe(status);
    },
  );
});
