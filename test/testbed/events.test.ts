import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, vi } from "vitest";
import { run, test, untilReady } from "../contract/sandbox.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { buildPrograms } from "./build.ts";

vi.setConfig({ testTimeout: 120_000 });

const exec = promisify(execFile);

const REVISION = "asm-1-86";
const [OLD, NEW] = [proxyImage("v1.86.1-1"), proxyImage("v1.86.2-1")];

test("kubectl shows the Events of a restart, and those for owners", async ({ cluster, enter }) => {
  const { kubectl } = await buildPrograms();
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("deployments", deployment("web"));
  const spec = { strategy: { type: "Recreate", rollingUpdate: null } };
  await sandbox.create("deployments", deployment("single", { spec }));
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
  const flags = ["-n", sandbox.name, "--yes", "--events", "--reason", "CVE-2026-1"];
  expect((await run(cluster, "restart", ...flags)).status).toBe(5);

  const show = async (...args: readonly string[]) => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    const { stdout } = await exec(kubectl, [...args, "-n", sandbox.name], { env });
    return stdout.replaceAll(/ {2,}/g, "  ");
  };
  const images = `proxyv2:v1.86.1-1 (${REVISION}), injection gives v1.86.2-1 (${REVISION})`;
  const described = await show("describe", "deployment", "web");
  expect(described).toMatch(
    /Normal {2}SidecarRestart {2}\S+ {2}istio-upgrade {2}istio-upgrade, run by .* restarts this Deployment: /,
  );
  expect(described).toContain(`its sidecars run ${images}. Reason: CVE-2026-1`);
  expect(described).toMatch(/Normal {2}SidecarRestarted {2}\S+ {2}istio-upgrade {2}.*: rolled out/);
  expect(await show("describe", "deployment", "single")).toMatch(
    /Warning {2}SidecarOutdated {2}\S+ {2}istio-upgrade {2}The sidecars of this Deployment are outdated: /,
  );

  const listed = await show("events", "--for", "deployment/web");
  expect(listed).toMatch(/Normal {2}SidecarRestart {2}Deployment\/web {2}istio-upgrade, run by /);
  const byReason = ["get", "events", "--field-selector", "reason=SidecarOutdated", "-o", "name"];
  expect((await show(...byReason)).trim().split("\n")).toHaveLength(1);
});
