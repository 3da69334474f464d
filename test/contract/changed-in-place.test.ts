import { expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { run, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Only this file uses these revisions. */
const ORDINARY = { name: "asm-1-83", tags: ["v1.83.7-1", "v1.83.9-6"], native: false };
const NATIVE = { name: "asm-1-84", tags: ["v1.84.7-1", "v1.84.9-6"], native: true };

interface InjectedPod {
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<"containers" | "initContainers", readonly { name: string }[]>>;
}

test.for([ORDINARY, NATIVE])(
  "a pod whose spec was changed in place is not current until its container is replaced: native $native",
  async ({ name, tags, native }, { cluster, enter }) => {
    const [old = "", target = ""] = tags.map(proxyImage);
    await cluster.installRevision({ name, image: old, native });
    const sandbox = await enter({ "istio.io/rev": name });
    await sandbox.create("deployments", deployment("web"));
    await sandbox.create("statefulsets", statefulSet("db"));
    const set = { ...deployment("set"), kind: "ReplicaSet" };
    await sandbox.create("replicasets", set);
    await sandbox.create("pods", pod("bare"));
    await untilReady(sandbox, 4);
    await cluster.moveImage(name, target);

    for (const found of await sandbox.pods()) {
      const { metadata, spec } = found as InjectedPod;
      const list = native ? "initContainers" : "containers";
      const containers = spec[list].map((container) =>
        container.name === "istio-proxy" ? { ...container, image: target } : container,
      );
      const { status } = await cluster.request(
        "PATCH",
        `${sandbox.path("pods")}/${metadata.name}`,
        {
          body: { spec: { [list]: containers } },
          contentType: "application/merge-patch+json",
        },
      );
      expect(status).toBe(200);
    }
    for (const command of ["check", "verify"] as const) {
      const kind = command === "check" ? "CheckReport" : "VerifyReport";
      const ran = await run(cluster, command, "-n", sandbox.name, "--json");
      const { workloads } = parseReport(kind, ran.stdout);
      expect([ran.status, workloads.map(({ verdict, code }) => `${verdict} ${code}`)]).toEqual([
        6,
        Array.from({ length: 4 }, () => "unknown container-not-replaced"),
      ]);
    }
    const restart = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
    expect([restart.status, parseReport("RestartReport", restart.stdout).results]).toEqual([6, []]);
  },
);
