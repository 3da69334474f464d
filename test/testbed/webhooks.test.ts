import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { webhookRecords } from "../../src/cluster/records.ts";
import { eventually, type Sandbox, test } from "../contract/sandbox.ts";
import { pod } from "../support/manifests.ts";
import type { Answer } from "../support/test-cluster.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1";
const REVISION = "asm-1-27";
const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
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

  async function isInjected(place: Sandbox, odd: string): Promise<boolean> {
    const body = pod("dry", { labels: { odd } });
    const made = await cluster.request("POST", `${place.path("pods")}?dryRun=All`, { body });
    expect(made).toMatchObject({ status: 201 });
    return made.body.metadata.annotations?.["sidecar.istio.io/status"] !== undefined;
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
