import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Grant, grantsOf, nameOf, ROLES } from "../../support/rbac.ts";

const PAGE = readFileSync(new URL("../../../docs/permissions.md", import.meta.url), "utf8");

/** The columns of the table of permissions, as `list pods`. */
const [CHECK, RESTART, EXPLAIN] = [1, 2, 3].map((column) =>
  PAGE.split("\n")
    .filter(
      (line) => /^\| [a-z.\d]+ +\|( *[a-z ]*\|){3}$/.test(line) && !line.startsWith("| resource "),
    )
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1),
    )
    .flatMap((cells) =>
      (cells[column] ?? "").split(" ").flatMap((verb) => (verb ? [`${verb} ${cells[0]}`] : [])),
    ),
) as [string[], string[], string[]];

function namesOf(grants: readonly Grant[]): readonly string[] {
  return [...new Set(grants.map(nameOf))].sort();
}

describe("the table of permissions is what the manifests grant", () => {
  test("read-only", () => {
    expect(namesOf(grantsOf("read-only"))).toEqual([...CHECK, ...EXPLAIN].sort());
  });

  test("restart-cluster", () => {
    expect(namesOf(grantsOf("restart-cluster"))).toEqual([...CHECK, ...RESTART].sort());
  });

  test("restart-namespace", () => {
    const all = [...CHECK, ...RESTART].filter((name) => name !== "list namespaces");
    expect(namesOf(grantsOf("restart-namespace"))).toEqual(all.sort());
  });
});

test.each(ROLES)(
  "%s reads ConfigMaps, Services and endpoints in the Istio namespace alone",
  (role) => {
    const places = grantsOf(role)
      .filter(({ resource }) => ["configmaps", "services", "endpointslices"].includes(resource))
      .map(({ namespace }) => namespace);
    expect(new Set(places)).toEqual(new Set(["aks-istio-system"]));
  },
);

test("restart-namespace grants nothing in the whole cluster but the list of webhooks", () => {
  const everywhere = grantsOf("restart-namespace").filter(({ namespace }) => !namespace);
  expect(everywhere.map(nameOf)).toEqual([
    "list mutatingwebhookconfigurations.admissionregistration.k8s.io",
  ]);
});

test.each(ROLES)("%s has no wildcard, and changes nothing but workloads", (role) => {
  const grants = grantsOf(role);
  expect(JSON.stringify(grants)).not.toContain("*");
  const writes = grants.filter(({ verb }) => !["get", "list"].includes(verb)).map(nameOf);
  expect(writes).toEqual(
    role === "read-only"
      ? []
      : [
          "create pods",
          "patch deployments.apps",
          "patch statefulsets.apps",
          "patch daemonsets.apps",
          "patch rollouts.argoproj.io",
        ],
  );
});
