import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import manifest from "../../../package.json" with { type: "json" };
import type { Answer } from "../../support/test-cluster.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const HUB = "deploy/fleet/hub";
const PAGE = readFileSync(join(ROOT, "docs/fleet-manager.md"), "utf8");
const NAMESPACE = "istio-upgrade";
const ISTIO_NAMESPACE = "aks-istio-system";
const LABEL = "istio-upgrade/stage";

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: Answer["body"];
}

interface Selector {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name?: string;
  readonly labelSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly selectionScope?: string;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly nameSuffix?: string;
  readonly configMapGenerator?: readonly (Metadata & {
    readonly options: { readonly labels: NonNullable<Metadata["labels"]> };
  })[];
  readonly patches?: readonly {
    readonly target: { readonly kind: string };
    readonly patch: string;
  }[];
}

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const documentsOf = (path: string) =>
  parseAllDocuments(read(path)).map((document) => document.toJS() as Manifest);
const kustomizationOf = (folder: string) =>
  parse(read(join(folder, "kustomization.yaml"))) as Kustomization;

/** The objects of a kustomization or a component, without its patches. */
function objectsOf(folder: string): readonly Manifest[] {
  const { resources = [], configMapGenerator = [], nameSuffix = "" } = kustomizationOf(folder);
  const listed = resources.flatMap((path) =>
    path.endsWith(".yaml") ? documentsOf(join(folder, path)) : objectsOf(join(folder, path)),
  );
  const generated = configMapGenerator.map(({ name, namespace, options }) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...(namespace && { namespace }), labels: options.labels },
  }));
  return [...listed, ...generated].map((object) => ({
    ...object,
    metadata: { ...object.metadata, name: `${object.metadata.name}${nameSuffix}` },
  }));
}

const [placement, roles, strategy, check, run, restart] = [
  "placement",
  "roles",
  "strategy",
  "overrides",
  "run",
  "restart/override",
].map((name) => {
  const documents = documentsOf(`${HUB}/${name}.yaml`);
  expect(documents).toHaveLength(1);
  return documents[0] as Manifest;
}) as [Manifest, Manifest, Manifest, Manifest, Manifest, Manifest];

/** True if a placement selects an object, by the rules of KubeFleet. */
function selects({ metadata, spec }: Manifest, object: Manifest): boolean {
  const selectors = spec.resourceSelectors as readonly Selector[];
  // A ClusterResourcePlacement is in no namespace; it selects objects in the namespace that it names.
  const namespace =
    metadata.namespace ?? selectors.find(({ selectionScope }) => selectionScope)?.name;
  return selectors.some(
    ({ group, version, kind, name, labelSelector }) =>
      object.apiVersion === (group === "" ? version : `${group}/${version}`) &&
      object.kind === kind &&
      (name ?? object.metadata.name) === object.metadata.name &&
      (object.metadata.namespace ?? namespace) === namespace &&
      Object.entries(labelSelector?.matchLabels ?? {}).every(
        ([key, value]) => object.metadata.labels?.[key] === value,
      ),
  );
}

const CRON_JOBS = objectsOf("deploy/cronjob");
const idOf = ({ kind, metadata }: Manifest) =>
  `${kind} ${metadata.namespace ?? "-"}/${metadata.name}`;
const selectedBy = (by: Manifest, objects = CRON_JOBS) =>
  objects.filter((object) => selects(by, object)).map(idOf);

/** An object in the namespace of the CronJobs. */
function inNamespace(apiVersion: string, kind: string, name: string): Manifest {
  return { apiVersion, kind, metadata: { name, namespace: NAMESPACE } };
}

describe("the placements", () => {
  test("select each object of deploy/cronjob, by one of them", () => {
    expect(CRON_JOBS).toHaveLength(15);
    expect([...selectedBy(placement), ...selectedBy(roles)].toSorted()).toEqual(
      CRON_JOBS.map(idOf).toSorted(),
    );
  });

  test("select in the namespace of Istio by a ResourcePlacement only, by name", () => {
    expect([roles.kind, roles.metadata.namespace]).toEqual(["ResourcePlacement", ISTIO_NAMESPACE]);
    const there = CRON_JOBS.filter(({ metadata }) => metadata.namespace === ISTIO_NAMESPACE);
    expect(selectedBy(roles)).toEqual(there.map(idOf));
    const names = (roles.spec.resourceSelectors as readonly Selector[]).map(({ name }) => name);
    expect(names.filter((name) => name === undefined)).toEqual([]);
  });

  test("never select the namespace of Istio, which is no object of the kustomization", () => {
    const namespaces = (placement.spec.resourceSelectors as readonly Selector[]).filter(
      ({ kind }) => kind === "Namespace",
    );
    expect(namespaces).toMatchObject([
      { name: NAMESPACE, selectionScope: "NamespaceWithResourceSelectors" },
    ]);
    const all = objectsOf(HUB).filter(({ kind }) => kind === "Namespace");
    expect(all.map(idOf)).toEqual([`Namespace -/${NAMESPACE}`]);
  });

  test("select the objects of the components", () => {
    const added = ["report-volume", "gate"].flatMap((name) => objectsOf(`deploy/cronjob/${name}`));
    expect(added.map(({ kind }) => kind)).toEqual(["PersistentVolumeClaim", "ConfigMap"]);
    expect(selectedBy(placement, added)).toEqual(added.map(idOf));
  });

  test.each([
    inNamespace("batch/v1", "Job", "first-check"),
    inNamespace("v1", "Pod", "first-check"),
    inNamespace("v1", "Secret", "any"),
    inNamespace("v1", "ConfigMap", "istio-ca-root-cert"),
    inNamespace("coordination.k8s.io/v1", "Lease", "istio-upgrade"),
  ])("do not select the $kind $metadata.name on the hub", (object) => {
    expect([...selectedBy(placement, [object]), ...selectedBy(roles, [object])]).toEqual([]);
  });

  test("leave alone what somebody has changed or installed on a member", () => {
    const applyStrategy = { whenToApply: "IfNotDrifted", whenToTakeOver: "Never" };
    expect([placement.spec.strategy, roles.spec.strategy]).toMatchObject([
      { type: "External", applyStrategy },
      { type: "RollingUpdate", applyStrategy },
    ]);
  });
});

describe("the stages", () => {
  const stages = strategy.spec.stages as readonly {
    readonly name: string;
    readonly labelSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly afterStageTasks?: readonly { readonly type: string }[];
  }[];

  test("have labels of their own, and cover the members that the placements select", () => {
    const names = stages.map(({ name }) => name);
    expect(names).toEqual(["dev", "staging", "prod"]);
    expect(stages.map(({ labelSelector }) => labelSelector.matchLabels)).toEqual(
      names.map((name) => ({ [LABEL]: name })),
    );
    const matchExpressions = [{ key: LABEL, operator: "In", values: names }];
    const clusterSelectorTerms = [{ labelSelector: { matchExpressions } }];
    for (const { spec } of [placement, roles]) {
      expect(spec.policy).toEqual({
        placementType: "PickAll",
        affinity: {
          clusterAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: { clusterSelectorTerms },
          },
        },
      });
    }
  });

  test("wait for a person before the next one", () => {
    const approvals = stages.map(({ afterStageTasks = [] }) =>
      afterStageTasks.some(({ type }) => type === "Approval"),
    );
    expect(approvals).toEqual([true, true, false]);
  });

  test("are those of a run, which has a new name each time, and does not start by itself", () => {
    expect(run.metadata).toMatchObject({ generateName: "istio-upgrade-" });
    expect(run.metadata.name).toBeUndefined();
    expect(run.spec).toEqual({
      placementName: placement.metadata.name,
      stagedRolloutStrategyName: strategy.metadata.name,
      state: "Initialize",
    });
    expect(kustomizationOf(HUB).resources).not.toContain("run.yaml");
  });
});

describe("the CronJobs", () => {
  test("are suspended on the hub", () => {
    const { patches = [] } = kustomizationOf(HUB);
    expect(patches.map(({ target, patch }) => [target, parse(patch)])).toEqual([
      [{ kind: "CronJob" }, [{ op: "add", path: "/spec/suspend", value: true }]],
    ]);
  });

  const started = (name: string) => ({
    placement: { name: placement.metadata.name },
    resourceSelectors: [{ group: "batch", version: "v1", kind: "CronJob", name }],
  });
  const jsonPatchOverrides = [{ op: "replace", path: "/spec/suspend", value: false }];

  test("start on the members: the check on all of them, by the kustomization", () => {
    expect(kustomizationOf(HUB).resources).toContain("overrides.yaml");
    expect(check.metadata.namespace).toBe(NAMESPACE);
    expect(check.spec).toEqual({
      ...started("istio-upgrade-check"),
      policy: {
        overrideRules: [{ clusterSelector: { clusterSelectorTerms: [] }, jsonPatchOverrides }],
      },
    });
  });

  test("start on the members: the restart only by a component, in the first stage", () => {
    expect(objectsOf(HUB).map(idOf)).not.toContain(idOf(restart));
    expect(restart.metadata.namespace).toBe(NAMESPACE);
    const matchExpressions = [{ key: LABEL, operator: "In", values: ["dev"] }];
    const clusterSelectorTerms = [{ labelSelector: { matchExpressions } }];
    expect(restart.spec).toEqual({
      ...started("istio-upgrade-restart"),
      policy: {
        overrideRules: [{ clusterSelector: { clusterSelectorTerms }, jsonPatchOverrides }],
      },
    });
  });

  test("have the image of deploy/cronjob, in the version of the package", () => {
    const images = CRON_JOBS.filter(({ kind }) => kind === "CronJob").map(
      ({ spec }) => spec.jobTemplate.spec.template.spec.containers[0].image as string,
    );
    expect(images).toEqual(Array(2).fill(`istio-upgrade:${manifest.version}`));
    expect(PAGE).toContain(`newTag: ${manifest.version}\n`);
  });
});

test("the page names folders and files that exist", () => {
  const paths = [...PAGE.matchAll(/\.\.\/istio-upgrade\/([\w./-]+)/g)].map(([, path = ""]) => path);
  expect(paths.length).toBeGreaterThan(2);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
