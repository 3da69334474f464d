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

/** Webhooks in every form that the API server takes: is each called for a new pod, or not? */
describe("the real API server", () => {
  let cluster: RealCluster;
  /** As istiod wrote it, with its authority. */
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

  /** Puts an injected pod into a namespace, which only webhooks for what is odd select from then on. */
  async function leaveForOdd(place: Sandbox): Promise<void> {
    await place.create("deployments", deployment("web"));
    await eventually(async () => expect(await place.pods()).toHaveLength(1));
    await place.relabel({ "istio.io/rev": null, odd: place.name });
  }

  /** Only for pods with the label `odd=NAME`, or in namespaces with it. */
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

  /** The API server sees a new configuration a moment later: this one is called for certain. */
  async function settled(place: Sandbox): Promise<void> {
    const { name } = await configure({ rules: [PODS] });
    await eventually(async () => expect(await isInjected(place, name)).toBe(true));
  }

  async function dryRun(place: Sandbox, odd: string): Promise<Answer["body"]> {
    const body = pod("dry", { labels: { odd } });
    const answer = await cluster.request("POST", `${place.path("pods")}?dryRun=All`, { body });
    expect(answer).toMatchObject({ status: 201 });
    return answer.body;
  }

  async function isInjected(place: Sandbox, odd: string): Promise<boolean> {
    const { metadata } = await dryRun(place, odd);
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
    "calls a webhook of matchPolicy %s by its rules",
    async (matchPolicy, { enter }) => {
      const place = await enter();
      const all = await Promise.all(
        RULES.map(async ([what, rules, called]) => {
          const { name, stored } = await configure({ rules, matchPolicy });
          return { what, called, name, stored };
        }),
      );
      await settled(place);
      const seen = await Promise.all(
        all.map(async ({ what, name }) => [what, await isInjected(place, name)]),
      );
      expect(seen).toEqual(all.map(({ what, called }) => [what, called]));
      expect(all.map(({ what, stored }) => [what, webhookRecords(stored).length > 0])).toEqual(
        seen,
      );
    },
  );

  test("the path that a webhook calls does not say the revision, only the proxy's environment", async ({
    enter,
  }) => {
    const service = { ...stock.clientConfig.service, path: "/inject/cluster/east/rev/asm-1-99" };
    const clientConfig = { ...stock.clientConfig, service };
    const { name } = await configure({ rules: [PODS], clientConfig });
    const place = await enter();
    await settled(place);
    const { metadata, spec } = await dryRun(place, name);
    expect(metadata.annotations["istio.io/rev"]).toBe(REVISION);
    const { env } = spec.containers.find((one: Answer["body"]) => one.name === "istio-proxy");
    expect(env).toContainEqual({ name: "ISTIO_META_CLUSTER_ID", value: "east" });
    expect(env).toContainEqual({ name: "REV", value: "asm-1-99" });
  });

  test.for([
    ["Fail", "blocked", "pod-refused"],
    ["Ignore", "would-lose", "not-injected"],
  ] as const)(
    "what is behind a URL, with failurePolicy %s, only a dry run can tell",
    async ([failurePolicy, verdict, code], { enter }) => {
      const place = await enter({ "istio.io/rev": REVISION });
      await leaveForOdd(place);
      const url = "https://127.0.0.1:1/inject";
      await configure({
        rules: [PODS],
        failurePolicy,
        clientConfig: { url },
        namespaceSelector: { matchLabels: { odd: place.name } },
        objectSelector: {},
      });
      const check = async (prove: string) => {
        const args = ["check", "-n", place.name, `--prove=${prove}`, "--json"];
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
    "trusts nobody without a caBundle, which istiod writes where it finds its label: failurePolicy %s",
    async ([failurePolicy, verdict, code], { enter }) => {
      const place = await enter({ "istio.io/rev": REVISION });
      await leaveForOdd(place);
      const { name } = await configure({
        rules: [PODS],
        failurePolicy,
        clientConfig: { service: stock.clientConfig.service },
        namespaceSelector: { matchLabels: { odd: place.name } },
        objectSelector: {},
      });
      const check = async (prove: string) => {
        const args = ["check", "-n", place.name, `--prove=${prove}`, "--json"];
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
  ] as const)("answers a webhook of sideEffects %s with %i", async ([sideEffects, status]) => {
    const webhook = { ...stock, rules: [PODS], sideEffects, objectSelector: NOTHING };
    const body = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: "odd" },
      webhooks: [webhook],
    };
    // So whatever stands in the way of a pod can be asked by a dry run.
    const answer = await cluster.request("POST", `${CONFIGURATIONS}?dryRun=All`, { body });
    expect(answer.status).toBe(status);
  });
});
