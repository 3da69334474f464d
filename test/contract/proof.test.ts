import { expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { eventually, run, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 60_000 });

const REVISION = "asm-1-93";
const [OLD, NEW] = [proxyImage("v1.93.1-1"), proxyImage("v1.93.2-1")];

test("--prove=always proves every workload, bare pods included", async ({ cluster, enter }) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("deployments", deployment("web"));
  await sandbox.create("pods", pod("bare"));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(2));
  await cluster.moveImage(REVISION, NEW);
  const ran = await run(cluster, "check", "-n", sandbox.name, "--prove=always", "--json");
  const { workloads, notes } = parseReport("CheckReport", ran.stdout);
  const proved = { verdict: "outdated", proof: "proved", target: { image: NEW } };
  expect(workloads).toMatchObject([
    { ...proved, kind: "Deployment", name: "web" },
    { ...proved, kind: "Pod", name: "bare", restart: "by-hand" },
  ]);
  // A cluster that other tests use as well may have more than one revision.
  expect(notes.filter((note) => !note.includes("revisions are installed"))).toEqual([]);
  expect(workloads.flatMap(({ warnings }) => warnings.map(({ code }) => code))).not.toContain(
    "proof-differs",
  );
});
