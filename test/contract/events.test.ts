import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod } from "../support/manifests.ts";
import { grantsOf, nameOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram, startProgram } from "../support/run-program.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import { createReplaceable } from "./replaceable.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";
import { eventsIn, notesIn } from "./written-events.ts";

vi.setConfig({ testTimeout: 180_000 });

/** Only this file uses these revisions. */
const [REVISION, NEXT, NATIVE] = ["asm-1-52", "asm-1-53", "asm-1-54"];
const [OLD, NEW] = [proxyImage("v1.52.1-1"), proxyImage("v1.52.2-1")];

const RECREATE = { spec: { strategy: { type: "Recreate", rollingUpdate: null } } };
const EVENTS = ["--yes", "--events", "--json"];

/**
 * Creates a namespace of outdated workloads.
 *
 * @param create creates them, and returns the number of their pods.
 */
async function createOutdated(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  create: (sandbox: Sandbox) => Promise<number>,
): Promise<Sandbox> {
  await cluster.installRevision({ name: REVISION, image: OLD });
  await cluster.moveImage(REVISION, OLD);
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await untilReady(sandbox, await create(sandbox));
  await cluster.moveImage(REVISION, NEW);
  return sandbox;
}

async function createWeb(sandbox: Sandbox): Promise<number> {
  await sandbox.create("deployments", deployment("web"));
  return 1;
}

async function createSingle(sandbox: Sandbox): Promise<number> {
  await sandbox.create("deployments", deployment("single", RECREATE));
  return 1;
}

describe("Events tell the owners of workloads", () => {
  test("what was restarted and why, and what needs them", async ({ cluster, enter }) => {
    const sandbox = await createOutdated(cluster, enter, async (created) => {
      await createWeb(created);
      await createSingle(created);
      const failing = { [POD_BEHAVIOUR.failRestarted]: "CrashLoopBackOff" };
      await created.create("deployments", deployment("bad", { annotations: failing }));
      const pinned = { "sidecar.istio.io/proxyImage": OLD };
      await created.create("deployments", deployment("pinned", { annotations: pinned }));
      const metadata = { name: "kept", annotations: { "istio-upgrade/exclude": "true" } };
      await created.create("deployments", { ...deployment("kept"), metadata });
      await created.create("pods", pod("bare"));
      return 6;
    });
    const args = ["-n", sandbox.name, "--max-failures", "9", "--reason", "CVE-2026-1"];
    const { status, stdout } = await run(cluster, "restart", ...args, ...EVENTS);
    const { gaps, exitReasons, user } = parseReport("RestartReport", stdout);
    expect([status, gaps]).toEqual([3, []]);
    expect(exitReasons.join(" ")).not.toContain("events");

    const images = `proxyv2:v1.52.1-1 (${REVISION}), injection gives v1.52.2-1 (${REVISION}).`;
    const target = `Its target is proxyv2:v1.52.2-1 (${REVISION}).`;
    const restarts = `istio-upgrade, run by ${user}, restarts this Deployment: its sidecars run ${images} Reason: CVE-2026-1`;
    expect(await notesIn(cluster, sandbox)).toEqual({
      "Deployment/bad Normal SidecarRestart": restarts,
      "Deployment/bad Warning SidecarRestartFailed": expect.stringMatching(
        /^The restart of this Deployment by istio-upgrade failed: .*CrashLoopBackOff.* Next step: kubectl describe pod bad-\S+ -n NAMESPACE$/,
      ),
      "Deployment/kept Normal SidecarOutdated": `istio-upgrade does not restart this Deployment, which is excluded by its annotation istio-upgrade/exclude: its sidecars run ${images}`,
      "Deployment/pinned Normal SidecarPinned": expect.stringContaining(`pins ${OLD}`),
      "Deployment/single Warning SidecarOutdated": expect.stringMatching(
        /^The sidecars of this Deployment are outdated: .* istio-upgrade does not restart it: .* Next step: istio-upgrade restart deployment\/single --namespace NAMESPACE --allow-downtime$/,
      ),
      "Deployment/web Normal SidecarRestart": restarts,
      "Deployment/web Normal SidecarRestarted": `istio-upgrade restarted this Deployment: rolled out. ${target}`,
      "Pod/bare Warning SidecarOutdated": expect.stringMatching(
        /^The sidecar of this Pod is outdated: .* istio-upgrade does not restart it: /,
      ),
    });

    const events = await eventsIn(cluster, sandbox);
    const { uid } = (await sandbox.get("deployments", "web")).metadata;
    expect(events.find(({ reason }) => reason === "SidecarRestarted")).toMatchObject({
      action: "Restart",
      reportingInstance: expect.stringMatching(/^.+-\d+$/),
      regarding: { apiVersion: "apps/v1", kind: "Deployment", namespace: sandbox.name, uid },
    });
  });

  test("once in half an hour what nobody has changed", async ({ cluster, enter }) => {
    const sandbox = await createOutdated(cluster, enter, createSingle);
    for (const _ of [1, 2]) {
      const { status, stdout } = await run(cluster, "restart", "-n", sandbox.name, ...EVENTS);
      const { exitReasons } = parseReport("RestartReport", stdout);
      expect([status, exitReasons]).toEqual([5, ["by-hand:1"]]);
    }
    const reasons = (await eventsIn(cluster, sandbox)).map(({ reason }) => reason);
    // The second run may be in the next half hour.
    expect([...new Set(reasons)]).toEqual(["SidecarOutdated"]);
    const minutes = new Date().getMinutes() % 30;
    if (minutes > 3) expect(reasons).toHaveLength(1);
  });

  test("nothing in a dry run, and nothing without the flag", async ({ cluster, enter }) => {
    const sandbox = await createOutdated(cluster, enter, async (created) => {
      return (await createWeb(created)) + (await createSingle(created));
    });
    const scope = ["-n", sandbox.name];
    for (const flags of [["--dry-run", ...EVENTS], ["--dry-run=server", ...EVENTS], ["--yes"]]) {
      await run(cluster, "restart", ...scope, ...flags);
    }
    await run(cluster, "check", ...scope);
    expect(await eventsIn(cluster, sandbox)).toEqual([]);
  });

  test("to which revision a move takes a workload", async ({ cluster, enter }) => {
    const sandbox = await createOutdated(cluster, enter, createWeb);
    await cluster.installRevision({ name: NEXT, image: proxyImage("v1.53.1-1") });
    const moved = await run(cluster, "move", sandbox.name, "--to", NEXT, ...EVENTS);
    expect([moved.status, await notesIn(cluster, sandbox)]).toEqual([
      0,
      {
        "Deployment/web Normal SidecarRestart": expect.stringContaining(
          `its sidecars run proxyv2:v1.52.1-1 (${REVISION}), injection gives v1.53.1-1 (${NEXT}).`,
        ),
        "Deployment/web Normal SidecarRestarted": expect.stringContaining(
          `Its target is proxyv2:v1.53.1-1 (${NEXT}).`,
        ),
      },
    ]);
  });

  test("that sidecars are replaced in place, and nothing is restarted", async ({
    cluster,
    enter,
  }) => {
    const patch = { name: NATIVE, from: proxyImage("v1.54.1-1"), to: proxyImage("v1.54.2-1") };
    const { sandbox } = await createReplaceable(cluster, enter, patch);
    // No kubelet replaces the sidecar: the run ends with SIGTERM.
    const args = ["restart", "deploy/web", "-n", sandbox.name, "--in-place", ...EVENTS];
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    const images = `proxyv2:v1.54.1-1 (${NATIVE}), injection gives v1.54.2-1 (${NATIVE}).`;
    await eventually(async () => {
      expect(await notesIn(cluster, sandbox)).toEqual({
        "Deployment/web Normal SidecarReplacement": expect.stringMatching(
          new RegExp(
            `, replaces the sidecars of this Deployment in place, without a restart: its sidecars run ${literal(images)}$`,
          ),
        ),
      });
      const sidecars = (await sandbox.pods()).map(({ spec }) =>
        JSON.stringify(spec.initContainers),
      );
      expect(sidecars.join("")).toContain(patch.to);
    });
    running.signal("SIGTERM");
    const { status, stdout } = await running.done;
    expect([status, parseReport("RestartReport", stdout).results]).toMatchObject([
      143,
      [{ outcome: "still-rolling" }],
    ]);
    expect(await notesIn(cluster, sandbox)).toMatchObject({
      "Deployment/web Warning SidecarReplacementUnfinished": expect.stringMatching(
        /^The replacement of the sidecars of this Deployment by istio-upgrade is unfinished: /,
      ),
    });
  });
});

function literal(text: string): string {
  return text.replace(/[.()]/g, "\\$&");
}

describe("a user without the permission to create Events", () => {
  const CREATE = "create events.events.k8s.io";
  /** Returns a user with the permission in some namespaces only. */
  const withEventsIn = (
    cluster: TestCluster,
    name: string,
    ...namespaces: readonly string[]
  ): Promise<string> => {
    const grants = grantsOf("events");
    const others = grants.filter((grant) => nameOf(grant) !== CREATE);
    const create = grants.find((grant) => nameOf(grant) === CREATE);
    if (create === undefined) throw new Error("the manifest does not grant it");
    const own = namespaces.map((namespace) => ({ ...create, namespace }));
    return cluster.userKubeconfig(name, rulesOf([...others, ...own]));
  };

  test("in one of the namespaces restarts nothing", async ({ cluster, enter }) => {
    const open = await createOutdated(cluster, enter, createWeb);
    const closed = await createOutdated(cluster, enter, createSingle);
    const KUBECONFIG = await withEventsIn(cluster, "events-in-one", open.name);
    const args = ["restart", "-n", `${open.name},${closed.name}`, "--yes", "--events"];
    const { status, stderr } = await runProgram(args, { KUBECONFIG });
    expect(stderr).toContain(
      `error: not allowed to create events.events.k8s.io in the namespace "${closed.name}" for --events, so nothing was restarted`,
    );
    expect(stderr).toContain(`kubectl auth can-i create events.events.k8s.io -n ${closed.name}`);
    expect([status, await eventsIn(cluster, open)]).toEqual([1, []]);
    expect((await open.get("deployments", "web")).metadata.generation).toBe(1);
    // The notice to an owner is the only one in the other namespace.
    const alone = await runProgram(["restart", "-n", open.name, "--yes", "--events"], {
      KUBECONFIG,
    });
    expect([alone.status, (await eventsIn(cluster, open)).length]).toEqual([0, 2]);
  });

  test("gets a gap if there is nothing to restart", async ({ cluster, enter }) => {
    const sandbox = await createOutdated(cluster, enter, createSingle);
    const KUBECONFIG = await withEventsIn(cluster, "events-in-none");
    const args = ["restart", "-n", sandbox.name, ...EVENTS];
    const { status, stdout } = await runProgram(args, { KUBECONFIG });
    const report = parseReport("RestartReport", stdout);
    expect(report).toMatchObject({
      complete: false,
      gaps: [
        {
          what: "create events.events.k8s.io",
          namespace: sandbox.name,
          reason: "forbidden",
          message: expect.stringMatching(/^1 Event was not written: .* cannot create resource/),
        },
      ],
      exitReasons: ["events:1", "by-hand:1", "gaps:1"],
    });
    expect([status, report.gaps[0]?.hint]).toEqual([
      6,
      expect.stringContaining(`auth can-i create events.events.k8s.io -n ${sandbox.name}`),
    ]);
  });

  test("any more still gets the restart, and a gap", async ({ cluster, enter }) => {
    const sandbox = await createOutdated(cluster, enter, async (created) => {
      const annotations = { [POD_BEHAVIOUR.readyAfter]: "4s" };
      await created.create("deployments", deployment("web", { annotations }));
      return 1;
    });
    const KUBECONFIG = await withEventsIn(cluster, "events-taken-back", sandbox.name);
    const args = ["restart", "-n", sandbox.name, ...EVENTS];
    const running = startProgram(args, { KUBECONFIG });
    await eventually(async () => expect(await eventsIn(cluster, sandbox)).toHaveLength(1));
    await withEventsIn(cluster, "events-taken-back");
    const { status, stdout } = await running.done;
    expect([status, parseReport("RestartReport", stdout)]).toMatchObject([
      6,
      {
        results: [{ outcome: "restarted" }],
        gaps: [{ what: CREATE, namespace: sandbox.name, reason: "forbidden" }],
        exitReasons: ["events:1", "gaps:1"],
      },
    ]);
    expect(await eventsIn(cluster, sandbox)).toHaveLength(1);
  });
});
