import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Grant, grantsOf, nameOf, ROLES } from "../../support/rbac.ts";

const PAGE = readFileSync(new URL("../../../docs/permissions.md", import.meta.url), "utf8");

/** The columns of the table of permissions, as `list pods`. */
const [CHECK, RESTART, MOVE, IN_PLACE, EVENTS, EXPLAIN] = [1, 2, 3, 4, 5, 6].map((column) =>
  PAGE.split("\n")
    .filter(
      (line) => /^\| [a-z.\d]+ +\|( *[a-z ]*\|){6}$/.test(line) && !line.startsWith("| resource "),
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
) as [string[], string[], string[], string[], string[], string[]];

function namesOf(grants: readonly Grant[]): readonly string[] {
  return [...new Set(grants.map(nameOf))].sort();
}

describe("the table of permissions is what the manifests grant", () => {
  test("read-only", () => {
    expect(namesOf(grantsOf("read-only"))).toEqual([...CHECK, ...EXPLAIN].sort());
  });

  test("check", () => {
    expect(namesOf(grantsOf("check"))).toEqual(CHECK.toSorted());
  });

  test("restart-cluster", () => {
    expect(namesOf(grantsOf("restart-cluster"))).toEqual([...CHECK, ...RESTART].sort());
  });

  test("move, together with restart-cluster", () => {
    expect(namesOf(grantsOf("move"))).toEqual([...CHECK, ...RESTART, ...MOVE].sort());
    expect(MOVE).toEqual(["patch namespaces"]);
  });

  test("in-place, together with restart-cluster", () => {
    expect(namesOf(grantsOf("in-place"))).toEqual([...CHECK, ...RESTART, ...IN_PLACE].sort());
    expect(IN_PLACE).toEqual(["patch pods", "delete pods", "list nodes"]);
  });

  test("events, together with restart-cluster", () => {
    expect(namesOf(grantsOf("events"))).toEqual([...CHECK, ...RESTART, ...EVENTS].sort());
    expect(EVENTS).toEqual(["create events.events.k8s.io"]);
  });

  test("lease, whose permissions are in the list below the table", () => {
    const base = new Set(namesOf(grantsOf("restart-cluster")));
    const own = grantsOf("lease").filter((grant) => !base.has(nameOf(grant)));
    expect(own.map((grant) => [nameOf(grant), grant.resourceNames])).toEqual([
      ["create leases.coordination.k8s.io", undefined],
      ["get leases.coordination.k8s.io", ["istio-upgrade"]],
      ["patch leases.coordination.k8s.io", ["istio-upgrade"]],
    ]);
    expect(PAGE.replaceAll(/\s+/g, " ")).toContain(
      "`leases.coordination.k8s.io` are for [`--lease`](lease.md) alone: `create` in the namespace of the lease, `get` and `patch` of that lease.",
    );
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

test.each(ROLES)(
  "%s has no wildcard, and changes nothing but workloads, labels, pods, Events and leases",
  (role) => {
    const grants = grantsOf(role);
    expect(JSON.stringify(grants)).not.toContain("*");
    const reads = new Set(["get", "list", "watch"]);
    const writes = grants.filter(({ verb }) => !reads.has(verb)).map(nameOf);
    expect(writes).toEqual(
      role === "read-only" || role === "check"
        ? []
        : [
            "create pods",
            "patch deployments.apps",
            "patch statefulsets.apps",
            "patch daemonsets.apps",
            "patch rollouts.argoproj.io",
            ...(role === "move" ? ["patch namespaces"] : []),
            ...(role === "events" ? ["create events.events.k8s.io"] : []),
            ...(role === "lease"
              ? ["create leases.coordination.k8s.io", "patch leases.coordination.k8s.io"]
              : []),
            ...(role === "in-place" ? ["patch pods", "create pods", "delete pods"] : []),
          ],
    );
  },
);
