import { describe, expect, test } from "vitest";
import { createUnmatchedScope } from "../../../src/commands/unmatched-scope.ts";
import { CannotRun } from "../../../src/errors.ts";
import { scopeSettings } from "../../../src/scope.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { namespace } from "../../support/build/namespace.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const MESH = meshOf();
const WEB = deployment("web", { pods: [sidecars(1, proxyImage("v1.27.7-1"))] });
const NAMESPACES = new Map([["shop", namespace("shop")]]);

function scopeOf(
  flags: Readonly<Record<string, unknown>>,
  names: readonly string[] = [],
  workloads: readonly Workload[] = [WEB],
) {
  const scope = createUnmatchedScope(scopeSettings(flags, names));
  for (const workload of workloads) scope.record({ workload, assessment: assessmentOf(workload) });
  return scope;
}

describe("a part of the scope", () => {
  test.each([
    ["--exclude", { exclude: ["deploy/web"] }],
    ["--exclude-namespace", { excludeNamespace: ["shop"] }],
    ["--selector", { selector: "app=web" }],
    ["--revision", { revision: "asm-1-27" }],
  ])("of %s has no note if a workload matches it", (_flag, flags) => {
    expect(scopeOf(flags).notes(MESH, NAMESPACES)).toEqual([]);
  });

  test.each([
    ["--exclude", { exclude: ["deploy/wbe"] }, WEB],
    ["--exclude-namespace", { excludeNamespace: ["shpo"] }, WEB],
    ["--selector", { selector: "app=wbe" }, undefined],
    ["--revision", { revision: "asm-1-99" }, undefined],
  ])("of %s has a note if no workload matches it", (_flag, flags, workload) => {
    const notes = scopeOf(flags, [], workload ? [workload] : []).notes(MESH, NAMESPACES);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain(Object.values(flags).flat()[0]);
  });
});

describe("a selector that no workload matches", () => {
  const notes = (flags: Readonly<Record<string, unknown>>, places = [...NAMESPACES.values()]) => {
    const found = scopeOf(flags, [], []).notes(MESH, new Map(places.map((one) => [one.name, one])));
    return found.map(formatStep);
  };
  const teams = [
    namespace("shop", { labels: { team: "web" } }),
    namespace("pay", { labels: { team: "pay" } }),
  ];

  test("may be one of namespaces", () => {
    expect(notes({ selector: "team in (pay)" }, teams)).toEqual([
      "no workload in scope matches --selector 'team in (pay)', but 1 namespace does: use --namespace-selector 'team in (pay)'",
    ]);
    // Every namespace lacks the label.
    expect(notes({ selector: "!tier" }, teams)).toEqual([
      "no workload in scope matches --selector '!tier'",
    ]);
  });

  test("matches nothing if there is no namespace", () => {
    const flags = { namespaceSelector: "team=pya", exclude: ["deploy/web"] };
    expect(notes(flags, [])).toEqual([
      "no namespace matches --namespace-selector team=pya; see their labels: kubectl get namespaces --show-labels",
    ]);
    expect(notes({ namespaceSelector: "team=pay" }, teams)).toEqual([]);
  });
});

describe("a named workload", () => {
  test("may be in scope", () => {
    const scope = scopeOf({}, ["deploy/web"]);
    expect(() => scope.requireNamed("shop", NAMESPACES, MESH)).not.toThrow();
  });

  test("must exist", () => {
    const scope = scopeOf({}, ["deploy/wbe"]);
    const required = () => scope.requireNamed("shop", NAMESPACES, MESH);
    expect(required).toThrow(CannotRun);
    expect(required).toThrow('deployment/wbe does not exist in the namespace "shop"');
  });

  test("must have the labels of --selector", () => {
    const scope = scopeOf({ selector: "app=db" }, ["deploy/web"], []);
    expect(() => scope.requireNamed("shop", NAMESPACES, MESH)).toThrow(
      'no deployment/web in the namespace "shop" matches --selector',
    );
  });

  test("must have a sidecar, or get one", () => {
    const scope = scopeOf({}, ["deploy/web"], []);
    scope.record({ workload: deployment("web"), assessment: undefined });
    expect(() => scope.requireNamed("shop", NAMESPACES, MESH)).toThrow(
      'deployment/web in "shop" has no sidecar, and a restart would not add one',
    );
  });
});
