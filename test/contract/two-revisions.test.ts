import { expect } from "vitest";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { eventually, run, test } from "./sandbox.ts";

/** Only this file uses these revisions. */
const FROM = { name: "asm-1-19", image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.19.9-1" };
const TO = { name: "asm-1-20", image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.20.8-2" };

test("a running upgrade is named while nothing is outdated, and a way back is marked as a downgrade", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision(FROM);
  await cluster.installRevision(TO);
  const sandbox = await enter({ "istio.io/rev": TO.name });
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(2));

  for (const command of ["check", "verify"] as const) {
    const kind = command === "check" ? "CheckReport" : "VerifyReport";
    await eventually(async () => {
      const ran = await run(cluster, command, "-n", sandbox.name, "--json");
      expect(ran.status).toBe(0);
      const [note] = parseReport(kind, ran.stdout).notes;
      expect(note).toMatch(/^\d+ revisions are installed: in scope, /);
      expect(note).toContain(`${FROM.name} has no pods`);
      expect(note).toContain(`${TO.name} has 2 pods (1 workload)`);
      expect(note).toContain(": istio-upgrade revisions");
    });
  }

  await sandbox.relabel({ "istio.io/rev": FROM.name });
  const back = await run(cluster, "check", "-n", sandbox.name);
  expect(back.status).toBe(2);
  expect(back.stdout).toContain("OUTDATED: 1 workload, 2 pods (1 to an older version)\n");
  expect(back.stdout).toMatch(/ deploy\/web +v1\.20\.8-2 +v1\.19\.9-1 +2 +downgrade +<\d+s\n/);
});
