import { expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { problemOf } from "../support/pasted-steps.ts";
import { parseReport } from "../support/report-schema.ts";
import { stepParts } from "../../src/report/step-parts.ts";
import { eventually, run, test, untilReady } from "./sandbox.ts";

/** Only this file uses these revisions and this tag. */
const OLD = { name: "asm-1-44", image: proxyImage("v1.44.1-1") };
const NEW = { name: "asm-1-45", image: proxyImage("v1.45.1-1") };
const TAG = "choices";

test("a workload whose revision is gone gets one whole command for each revision that may be meant", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision(OLD);
  await cluster.installRevision(NEW);
  await cluster.setTag(TAG, OLD.name);
  const lost = await enter({ "istio.io/rev": OLD.name });
  await lost.create("deployments", deployment("web"));
  await untilReady(lost, 1);
  await enter({ "istio.io/rev": TAG });
  await enter({ "istio.io/rev": OLD.name });
  await lost.relabel({ "istio.io/rev": "asm-1-46" });

  async function stepOf(...scope: readonly string[]): Promise<string> {
    const { stdout } = await run(cluster, "check", ...scope, "--json");
    const entries = parseReport("CheckReport", stdout).workloads;
    const entry = entries.find(({ namespace }) => namespace === lost.name);
    expect(entry).toMatchObject({ verdict: "would-lose", code: "revision-gone" });
    return entry?.nextStep ?? "";
  }
  function commandFor(revision: string): string {
    return `kubectl label namespace ${lost.name} istio.io/rev=${revision} --overwrite && istio-upgrade restart --namespace ${lost.name} --allow-revision ${revision}`;
  }

  // All namespaces were read, so they are counted; other tests may have revisions of their own.
  await eventually(async () => {
    const everywhere = await stepOf("--all-namespaces");
    expect(everywhere).toContain(
      `for ${OLD.name} (2 namespaces, tag ${TAG}): ${commandFor(OLD.name)}`,
    );
    expect(everywhere).toContain(`for ${NEW.name} (no namespaces): ${commandFor(NEW.name)}`);
  });
  // The report of the revision that is gone offers the same choices.
  const gone = await run(cluster, "revisions", "asm-1-46", "--json");
  const { revisions } = parseReport("RevisionsReport", gone.stdout);
  const release = revisions[0]?.holders[0]?.release ?? "";
  const label = (to: string) =>
    `kubectl label namespaces -l istio.io/rev=asm-1-46 istio.io/rev=${to} --overwrite`;
  expect(release).toContain(`for ${OLD.name} (2 namespaces, tag ${TAG}): ${label(OLD.name)}; for `);
  expect(release).toContain(`for ${NEW.name} (no namespaces): ${label(NEW.name)}`);

  const here = await stepOf("--namespace", lost.name);
  expect(here).not.toMatch(/\d namespaces?[,)]|no namespaces/);
  expect(here).toContain(`for ${OLD.name} (tag ${TAG}): ${commandFor(OLD.name)}`);
  expect(here).toContain(`for ${NEW.name}: ${commandFor(NEW.name)}`);
  // The revision that its pods run comes first.
  expect(here.startsWith(`for ${OLD.name} `)).toBe(true);
  expect(problemOf(here)).toBeUndefined();
  expect(stepParts(here).filter(({ kind }) => kind === "command").length).toBeGreaterThan(1);

  // The second half of the command works once the first half has run.
  await lost.relabel({ "istio.io/rev": NEW.name });
  const [, restart = ""] = commandFor(NEW.name).split(" && istio-upgrade ");
  expect(await run(cluster, ...restart.split(" "), "--yes")).toMatchObject({ status: 0 });
  await cluster.removeTag(TAG);
});
