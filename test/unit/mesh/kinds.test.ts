import { describe, expect, test } from "vitest";
import {
  isRestartable,
  parseKind,
  resourceName,
  resourceOf,
  shortKind,
} from "../../../src/mesh/kinds.ts";

describe("kinds as kubectl takes them", () => {
  test.each([
    ["Deployment", ["deployment", "deployments", "deploy", "Deploy", "deployments.apps"]],
    ["StatefulSet", ["statefulset", "statefulsets", "sts", "STS", "statefulset.apps"]],
    ["DaemonSet", ["daemonset", "daemonsets", "ds", "DaemonSet", "daemonsets.apps"]],
  ])("%s", (kind, names) => {
    expect(names.map(parseKind)).toEqual(names.map(() => kind));
  });

  test.each(["", "pod", "po", "rs", "replicaset", "deploys", "deployments.extensions", "rollout"])(
    "%j is none that a restart patches",
    (name) => {
      expect(parseKind(name)).toBeUndefined();
    },
  );
});

test.each([
  ["Deployment", true],
  ["StatefulSet", true],
  ["DaemonSet", true],
  ["ReplicaSet", false],
  ["Pod", false],
  ["deployment", false],
])("whether %s is restarted by a patch: %s", (kind, restartable) => {
  expect(isRestartable(kind)).toBe(restartable);
});

test("names and paths are those of the API", () => {
  expect(resourceOf("StatefulSet")).toBe("statefulsets");
  expect(resourceName({ kind: "DaemonSet", name: "agent" })).toBe("daemonset/agent");
  expect(shortKind("Deployment")).toBe("deploy");
  expect(shortKind("Rollout")).toBe("rollout");
});
