import { randomInt } from "node:crypto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { POD } from "../../src/cluster/api-objects.ts";
import { type Api, openApi } from "../../src/http/api.ts";
import type { Encoding } from "../../src/http/request.ts";
import { loadConnection } from "../../src/connection/kubeconfig.ts";
import { readSnapshot } from "../../src/cluster/read.ts";
import type { Snapshot } from "../../src/snapshot.ts";
import { daemonSet, deployment, type Manifest, pod, statefulSet } from "../support/manifests.ts";
import { POD_BEHAVIOUR } from "../support/test-cluster.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.89.0-1";
const NAMESPACE = "encodings";

/** JSON is the oracle: the platform's own parser reads it, and every field has its name. */
describe("protobuf and JSON from a real API server", () => {
  let cluster: RealCluster;
  const apis: Partial<Record<Encoding, Api>> = {};

  beforeAll(async () => {
    cluster = openRealCluster();
    const settings = { kubeconfig: cluster.kubeconfig, context: undefined, as: undefined };
    for (const encoding of ["protobuf", "json"] as const) {
      const connection = await loadConnection(
        { ...settings, asGroups: [], requestTimeout: 30_000 },
        {},
      );
      apis[encoding] = openApi(connection, 30_000, {
        now: Date.now,
        sleep: () => Promise.resolve(),
        random: () => 0.5,
        trace: undefined,
        encoding,
      });
    }
    await cluster.installRevision({ name: "asm-1-89", image: IMAGE });
    await cluster.installRevision({ name: "asm-1-90", image: IMAGE, native: true });
    for (const revision of ["asm-1-89", "asm-1-90"]) {
      await create("/api/v1/namespaces", {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: {
          name: `${NAMESPACE}-${revision}`,
          labels: { "istio.io/rev": revision },
          annotations: { note: "größe 日本 ✓" },
        },
      });
    }
  });

  afterAll(async () => {
    for (const revision of ["asm-1-89", "asm-1-90"]) {
      await cluster.request("DELETE", `/api/v1/namespaces/${NAMESPACE}-${revision}`);
      await cluster.removeRevision(revision);
    }
    for (const api of Object.values(apis)) api.close();
    await cluster.stop();
  });

  async function create(path: string, body: Manifest): Promise<void> {
    await vi.waitFor(
      async () =>
        expect(await cluster.request("POST", path, { body })).toMatchObject({ status: 201 }),
      { timeout: 20_000, interval: 200 },
    );
  }

  /**
   * Returns the records of the whole cluster in both encodings, once the cluster no longer changes.
   */
  async function compare(): Promise<Snapshot> {
    const read = (encoding: Encoding) =>
      readSnapshot(apis[encoding] as Api, {
        istioNamespace: "aks-istio-system",
        namespaces: undefined,
      });
    return vi.waitFor(
      async () => {
        const [json, protobuf] = [await read("json"), await read("protobuf")];
        expect(protobuf).toEqual(json);
        return protobuf;
      },
      { timeout: 60_000, interval: 500 },
    );
  }

  test("both encodings give the same records of all objects", async () => {
    for (const revision of ["asm-1-89", "asm-1-90"]) {
      const at = (root: string, resource: string) =>
        `${root}/namespaces/${NAMESPACE}-${revision}/${resource}`;
      const manifests: readonly (readonly [string, Manifest])[] = [
        ["deployments", deployment("web", { replicas: 2 })],
        ["deployments", deployment("paused", { spec: { paused: true } })],
        ["deployments", deployment("idle", { replicas: 0 })],
        [
          "deployments",
          deployment("volumes", {
            replicas: 0,
            podSpec: {
              volumes: [
                { name: "cache", emptyDir: {} },
                { name: "data", persistentVolumeClaim: { claimName: "data" } },
                { name: "more", persistentVolumeClaim: { claimName: "größe", readOnly: true } },
              ],
            },
          }),
        ],
        ["deployments", deployment("recreate", { spec: { strategy: { type: "Recreate" } } })],
        [
          "deployments",
          deployment("strict", {
            spec: {
              strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "50%" } },
              selector: {
                matchLabels: { app: "strict" },
                matchExpressions: [
                  { key: "app", operator: "In", values: ["strict", "other"] },
                  { key: "gone", operator: "DoesNotExist" },
                ],
              },
            },
          }),
        ],
        [
          "deployments",
          deployment("broken", { annotations: { [POD_BEHAVIOUR.fail]: "ErrImagePull" } }),
        ],
        [
          "deployments",
          deployment("probed", {
            podSpec: {
              hostNetwork: true,
              containers: [
                {
                  name: "app",
                  image: "registry.test/app:1.0",
                  args: ["", "--größe", "日本"],
                  readinessProbe: { tcpSocket: { port: 80 } },
                },
                { name: "istio-proxy", image: "auto", args: ["proxy", "router"] },
              ],
            },
          }),
        ],
        [
          "deployments",
          deployment("windows", {
            podSpec: {
              os: { name: "windows" },
              nodeSelector: { "kubernetes.io/os": "windows", disk: "fast" },
              affinity: {
                nodeAffinity: {
                  requiredDuringSchedulingIgnoredDuringExecution: {
                    nodeSelectorTerms: [
                      {
                        matchExpressions: [
                          { key: "kubernetes.io/os", operator: "In", values: ["windows"] },
                        ],
                      },
                    ],
                  },
                },
              },
            },
          }),
        ],
        [
          "statefulsets",
          statefulSet("db", {
            spec: {
              updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } },
              ordinals: { start: 5 },
            },
          }),
        ],
        ["statefulsets", statefulSet("manual", { spec: { updateStrategy: { type: "OnDelete" } } })],
        ["daemonsets", daemonSet("agent")],
        [
          "daemonsets",
          daemonSet("surging", {
            spec: { updateStrategy: { rollingUpdate: { maxSurge: "30%", maxUnavailable: 0 } } },
          }),
        ],
      ];
      for (const [resource, manifest] of manifests)
        await create(at("/apis/apps/v1", resource), manifest);
      await create(at("/api/v1", "pods"), pod("bare", { annotations: { team: "größe 日本 ✓" } }));
      await create(at("/apis/batch/v1", "jobs"), {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "import" },
        spec: {
          template: {
            spec: {
              restartPolicy: "Never",
              containers: [{ name: "app", image: "registry.test/app:1.0" }],
            },
          },
        },
      });
    }
    await vi.waitFor(
      async () => {
        const { workloads } = await compare();
        const ours = workloads.filter(({ namespace }) => namespace.startsWith(NAMESPACE));
        expect(ours.filter(({ pods }) => pods.some(({ image }) => image)).length).toBeGreaterThan(
          14,
        );
      },
      { timeout: 60_000, interval: 1000 },
    );
    const pods = { method: "GET", path: "/api/v1/pods", kind: "PodList", item: POD } as const;
    // Items in JSON are an array; items in protobuf are read one at a time.
    expect(Array.isArray((await apis.json?.send(pods))?.["items"])).toBe(true);
    expect(Array.isArray((await apis.protobuf?.send(pods))?.["items"])).toBe(false);
  });

  test("both encodings give the same records of generated objects", async () => {
    const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9_.]{0,20}[a-z0-9])?$/);
    const labels = fc.dictionary(label, label, { maxKeys: 6 });
    const annotations = fc.dictionary(
      label,
      fc.oneof(fc.string({ unit: "grapheme", maxLength: 300 }), fc.string({ maxLength: 8 })),
      { maxKeys: 6 },
    );
    const options = fc.record({
      replicas: fc.nat({ max: 2 }),
      labels,
      annotations,
      podSpec: fc.record({
        containers: fc.uniqueArray(
          fc.record({
            name: fc.oneof(fc.stringMatching(/^[a-z]{1,8}$/), fc.constant("istio-proxy")),
            image: fc.stringMatching(/^[a-z]{1,8}:[0-9.]{1,4}[0-9]$/),
            args: fc.array(fc.string({ unit: "grapheme", maxLength: 20 }), { maxLength: 3 }),
          }),
          { minLength: 1, maxLength: 3, selector: ({ name }) => name },
        ),
      }),
    });
    const place = `/apis/apps/v1/namespaces/${NAMESPACE}-asm-1-89`;
    const makers = { deployments: deployment, statefulsets: statefulSet, daemonsets: daemonSet };
    const seed = randomInt(2 ** 31);
    process.stdout.write(`objects generated with the seed ${seed}\n`);
    for (const [resource, make] of Object.entries(makers)) {
      for (const [index, sample] of fc.sample(options, { numRuns: 12, seed }).entries()) {
        await create(`${place}/${resource}`, make(`generated-${index}`, sample));
      }
    }
    const { workloads } = await compare();
    const generated = workloads.filter(({ name }) => name.startsWith("generated-"));
    expect(generated).toHaveLength(36);
  });
});
