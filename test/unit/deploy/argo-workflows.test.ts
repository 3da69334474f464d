import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import manifest from "../../../package.json" with { type: "json" };

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const PAGE = read("docs/argo-workflows.md");

interface Template {
  readonly name: string;
  readonly activeDeadlineSeconds?: number;
  readonly volumes?: readonly object[];
  readonly container?: { readonly args: readonly string[]; readonly image: string };
  readonly steps?: readonly (readonly [{ readonly name: string; readonly when?: string }])[];
}

const { spec } = parse(read("deploy/fleet/argo/workflow-template.yaml"), { merge: true }) as {
  readonly spec: {
    readonly templates: readonly Template[];
    readonly arguments: {
      readonly parameters: readonly { readonly name: string; readonly value: string }[];
    };
  };
};
const PROGRAMS = spec.templates.filter(({ container }) => container !== undefined);

function parametersOf(path: string): readonly string[] {
  const { spec: run } = parse(read(path)) as { spec: typeof spec };
  return run.arguments.parameters.map(({ name }) => name);
}

function stepsOf(name: string): readonly (readonly [string, string | undefined])[] {
  const { steps = [] } = spec.templates.find((one) => one.name === name) ?? {};
  return steps.map(([step]) => [step.name, step.when]);
}

test("the stages follow each other, and so do the steps of a cluster", () => {
  expect(stepsOf("stages").map(([name]) => name)).toEqual(["dev", "staging", "prod"]);
  const outdated = "{{steps.check.exitCode}} == 2";
  expect(stepsOf("cluster")).toEqual([
    ["check", undefined],
    ["plan", outdated],
    ["approve", outdated],
    ["restart", outdated],
    ["verify", undefined],
  ]);
});

test("each run of the program has the context of its own cluster, and sees no other kubeconfig", () => {
  expect(PROGRAMS.map(({ name, container }) => [name, container?.args[0]])).toEqual([
    ["check", "check"],
    ["plan", "restart"],
    ["restart", "restart"],
    ["verify", "verify"],
  ]);
  for (const { container, volumes } of PROGRAMS) {
    expect(container?.args).toContain("--context={{inputs.parameters.cluster}}");
    expect(container).toMatchObject({
      command: ["/usr/bin/istio-upgrade"],
      env: [{ name: "KUBECONFIG", value: "/cluster/kubeconfig" }],
    });
    expect(volumes?.[0]).toEqual({
      name: "cluster",
      secret: {
        secretName: "istio-upgrade-clusters",
        items: [{ key: "{{inputs.parameters.cluster}}", path: "kubeconfig" }],
      },
    });
  }
});

test("only the approved plan is restarted, with the flags of the CronJob", () => {
  const [, plan, restart] = PROGRAMS.map(({ container }) => container?.args ?? []);
  expect(plan).toContain("--dry-run");
  expect(restart).toContain("--plan=/plan/plan.json");
  const { spec: cronJob } = parse(read("deploy/cronjob/restart.yaml").split("\n---\n")[1] ?? "");
  const [{ args }] = cronJob.jobTemplate.spec.template.spec.containers as [{ args: string[] }];
  const flags = ["--waves=", "--soak=", "--deadline="];
  const chosen = (all: readonly string[] = []) =>
    all.filter((argument) => flags.some((flag) => argument.startsWith(flag)));
  expect(chosen(args)).toHaveLength(3);
  expect(chosen(restart)).toEqual(chosen(args));
});

test("a pod ends after the deadline of its restart", () => {
  const restart = PROGRAMS.find(({ name }) => name === "restart");
  expect(restart?.container?.args).toContain("--deadline=2h");
  expect(restart?.activeDeadlineSeconds).toBeGreaterThan(2 * 3600);
});

test("the image has the version of the package", () => {
  const image = `istio-upgrade:${manifest.version}`;
  expect(spec.arguments.parameters).toContainEqual({ name: "image", value: image });
  expect(read("deploy/fleet/argo/run.yaml")).toContain(`value: registry.example/${image}\n`);
});

test("the run sets parameters that the template has", () => {
  const all = parametersOf("deploy/fleet/argo/workflow-template.yaml");
  expect(all).toEqual(expect.arrayContaining([...parametersOf("deploy/fleet/argo/run.yaml")]));
});

test("the page prepares the clusters of the run", () => {
  const { spec: run } = parse(read("deploy/fleet/argo/run.yaml")) as { spec: typeof spec };
  const lists = run.arguments.parameters.filter(({ value }) => value.startsWith("["));
  const clusters = lists.flatMap(({ value }) => JSON.parse(value) as string[]);
  expect(PAGE).toContain(`for cluster in ${clusters.join(" ")}; do`);
});

test("a cluster that the Workflow restarts has the namespace of the CronJobs and their lease", () => {
  expect(read("deploy/fleet/member/namespace.yaml").replaceAll(/^ +#.*\n/gm, "")).toBe(
    read("deploy/cronjob/namespace.yaml").replaceAll(/^ +#.*\n/gm, ""),
  );
});
