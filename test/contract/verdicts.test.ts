import { describe, expect, vi } from "vitest";
import type { Explanation } from "../../src/report/document.ts";
import { loadRenderer } from "../../src/report/render.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { PLAIN } from "../support/build/report.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { Answer, TestCluster } from "../support/test-cluster.ts";
import { eventually, type Sandbox, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

/** The newest revision of any cluster, so that every cluster gets the same suggestion. */
const REVISION = "asm-99-1";
const [OLD, NEW] = [proxyImage("v99.1.1-1"), proxyImage("v99.1.2-1")];
const LABEL = { "istio.io/rev": REVISION };
const MERGE = "application/merge-patch+json";

interface VerdictCase {
  /** The namespace's labels when the workload is created. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Parameters<typeof deployment>[1];
  /** Changes the cluster after the workload is running. */
  readonly change?: (cluster: TestCluster, sandbox: Sandbox) => Promise<void>;
}

const CONFIGURATION = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-sidecar-injector-${REVISION}-aks-istio-system`;

async function patch(cluster: TestCluster, path: string, body: unknown): Promise<Answer["body"]> {
  const answer = await cluster.request("PATCH", path, { body, contentType: MERGE });
  expect(answer.status).toBe(200);
  return answer.body;
}

async function changeWebhooks(
  cluster: TestCluster,
  change: (webhook: Answer["body"]) => object,
): Promise<void> {
  const { body } = await cluster.request("GET", CONFIGURATION);
  await patch(cluster, CONFIGURATION, { webhooks: body.webhooks.map(change) });
}

const relabel =
  (labels: Readonly<Record<string, string | null>>) =>
  (_cluster: TestCluster, sandbox: Sandbox): Promise<void> =>
    sandbox.relabel(labels);

const PROXY = { name: "istio-proxy", image: OLD, args: ["proxy", "router"] };

/** A case for each verdict. */
const CASES: Readonly<Record<NonNullable<Explanation["verdict"]>, VerdictCase>> = {
  managed: {
    labels: {},
    options: {
      labels: { "gateway.istio.io/managed": "istio.io-gateway-controller" },
      podSpec: { containers: [PROXY] },
    },
  },
  excluded: {
    change: (cluster, { name }) =>
      patch(cluster, `/api/v1/namespaces/${name}`, {
        metadata: { annotations: { "istio-upgrade/exclude": "true" } },
      }),
  },
  unknown: {
    change: (cluster) =>
      changeWebhooks(cluster, (webhook) => ({
        ...webhook,
        matchConditions: [{ name: "always", expression: "true" }],
      })),
  },
  "would-lose": { change: relabel({ "istio.io/rev": "asm-98-1" }) },
  blocked: {
    change: (cluster) =>
      changeWebhooks(cluster, ({ clientConfig, ...webhook }) => ({
        ...webhook,
        clientConfig: {
          ...clientConfig,
          service: { ...clientConfig.service, name: "istiod-gone" },
        },
      })),
  },
  outdated: { change: (cluster) => cluster.moveImage(REVISION, NEW) },
  missing: { labels: {}, change: relabel(LABEL) },
  pinned: {
    options: { annotations: { "sidecar.istio.io/proxyImage": OLD } },
    change: (cluster) => cluster.moveImage(REVISION, NEW),
  },
  current: {},
};

describe("explain prints the golden text of a workload that is", () => {
  test.for(Object.entries(CASES))("%s", async ([verdict, given], { cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const { body: before } = await cluster.request("GET", CONFIGURATION);
    const sandbox = await enter(given.labels ?? LABEL);
    await sandbox.create("deployments", deployment("web", given.options));
    await eventually(async () => {
      expect((await sandbox.get("deployments", "web")).status?.availableReplicas).toBe(1);
    });
    try {
      await given.change?.(cluster, sandbox);
      const args = ["explain", "deploy/web", "-n", sandbox.name, "--prove=never"];
      const env = { KUBECONFIG: cluster.kubeconfig };
      const printed = await runProgram(args, env);
      const document = parseReport(
        "Explanation",
        (await runProgram([...args, "--json"], env)).stdout,
      );
      expect(document.verdict).toBe(verdict);
      expect([printed.status, printed.stderr]).toEqual([document.exitCode, ""]);
      expect(printed.stdout).toBe(await textOf(document));
      await expect(await textOf(comparable(document, sandbox))).toMatchFileSnapshot(
        `golden/explain-${verdict}.txt`,
      );
    } finally {
      await patch(cluster, CONFIGURATION, { webhooks: before.webhooks });
    }
  });
});

async function textOf(document: Explanation): Promise<string> {
  const render = await loadRenderer("table");
  return [...render(document, PLAIN)].join("");
}

/** Returns the explanation without random names, and without other revisions of the cluster. */
function comparable(document: Explanation, { name }: Sandbox): Explanation {
  const text = JSON.stringify(document)
    .replaceAll(name, "shop")
    .replaceAll(/web-[a-z\d]+-[a-z\d]{5}\b/g, "web-x-y")
    .replaceAll(new RegExp(`for ${REVISION}: |; for asm-[^"]*`, "g"), "");
  const { steps, ...rest } = JSON.parse(text) as Explanation;
  return {
    ...rest,
    steps: steps.filter(({ step, subject }) => step !== "webhook" || subject.includes(REVISION)),
  };
}
