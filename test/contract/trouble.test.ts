import { expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import { countNodes, run, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-79";
const [OLD, NEW] = [proxyImage("v1.79.0-1"), proxyImage("v1.79.2-1")];

/** The annotation of a pod template whose restarted pods fail. */
const failing = (reason: string) => ({ annotations: { [POD_BEHAVIOUR.failRestarted]: reason } });

/** A namespace with outdated workloads of two pods each, made by `create`. */
async function outdated(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  pods: number,
  create: (sandbox: Sandbox) => Promise<unknown>,
  native = false,
): Promise<Sandbox> {
  const name = native ? `${REVISION}-native` : REVISION;
  await cluster.installRevision({ name, image: OLD, native });
  await cluster.moveImage(name, OLD);
  const sandbox = await enter({ "istio.io/rev": name });
  await create(sandbox);
  await untilReady(sandbox, pods);
  await cluster.moveImage(name, NEW);
  return sandbox;
}

async function resultsOf(cluster: TestCluster, sandbox: Sandbox, ...args: readonly string[]) {
  const started = Date.now();
  const ran = await run(
    cluster,
    "restart",
    "-n",
    sandbox.name,
    "--yes",
    "--json",
    "--max-failures=9",
    ...args,
  );
  const { results } = parseReport("RestartReport", ran.stdout);
  return { ran, results, seconds: (Date.now() - started) / 1000 };
}

test("a container that crashes once at its start is no failure", async ({ cluster, enter }) => {
  const sandbox = await outdated(cluster, enter, 5, async (place) => {
    await place.create("deployments", deployment("app", { replicas: 2, ...failing("Stumble") }));
    await place.create("statefulsets", statefulSet("db", { replicas: 2, ...failing("Stumble") }));
    await place.create("deployments", deployment("next"));
  });
  const { ran, results } = await resultsOf(cluster, sandbox);
  expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["app", "restarted"],
    ["next", "restarted"],
    ["db", "restarted"],
  ]);
  expect(ran.stderr).toMatch(/deploy\/app: .*the new pod app-\S+ is in CrashLoopBackOff: back-off/);
  expect(ran.status).toBe(0);
});

test.for([
  ["classic", false],
  ["native", true],
] as const)(
  "an init container that crashes in a loop is a failure at once, with a %s sidecar",
  async ([, native], { cluster, enter }) => {
    const sandbox = await outdated(
      cluster,
      enter,
      4,
      async (place) => {
        const options = { replicas: 2, ...failing("Init:Error") };
        await place.create("statefulsets", statefulSet("db", options));
        await place.create("deployments", deployment("web", options));
      },
      native,
    );
    const { results, ran, seconds } = await resultsOf(cluster, sandbox, "--timeout", "1m");
    expect(seconds).toBeLessThan(30);
    const message = (pod: string) =>
      expect.stringMatching(
        new RegExp(
          `^the new pod ${pod} is in Error: istio-init ended with exit code 1 \\(Error\\); `,
        ),
      );
    expect(results).toMatchObject([
      { name: "web", outcome: "failed", code: "pod-failed", message: message("web-\\S+") },
      { name: "db", outcome: "failed", code: "pod-failed", message: message("db-1") },
    ]);
    expect(ran.status).toBe(3);
  },
);

test("pods that the kubelet rejects are named, and end the rollout at --timeout", async ({
  cluster,
  enter,
}) => {
  const nodes = await countNodes(cluster);
  const sandbox = await outdated(cluster, enter, 4 + nodes, async (place) => {
    const options = { replicas: 2, ...failing("OutOfcpu") };
    await place.create("deployments", deployment("web", options));
    await place.create("statefulsets", statefulSet("db", options));
    await place.create("daemonsets", daemonSet("agent", options));
  });
  const { results, ran, seconds } = await resultsOf(cluster, sandbox, "--timeout", "6s");
  expect(seconds).toBeLessThan(20);
  expect(results.map(({ name, outcome, code }) => [name, outcome, code]).toSorted()).toEqual([
    ["agent", "timed-out", "no-progress"],
    ["db", "timed-out", "no-progress"],
    ["web", "timed-out", "no-progress"],
  ]);
  const web = results.find(({ name }) => name === "web");
  expect(web?.message).toMatch(
    /^no progress for 6s, still rolling: the new pod web-\S+ has failed: OutOfcpu: .*cpu.*; 2 old pods still serve$/,
  );
  // The log does not grow with the pods.
  const lines = ran.stderr.split("\n").filter((line) => line.includes("deploy/web: "));
  expect(lines.length).toBeLessThan(8);
  expect(ran.status).toBe(4);
});
