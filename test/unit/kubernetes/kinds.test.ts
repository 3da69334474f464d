import { describe, expect, test } from "vitest";
import {
  apiOf,
  isRestartable,
  parseAnyKind,
  parseKind,
  resourceName,
  rolloutCommand,
  shortKind,
  isSameKind,
  reportedKind,
} from "../../../src/kubernetes/kinds.ts";
import { formatStep } from "../../support/build/next-step.ts";

describe("the names of kinds", () => {
  test.each([
    [
      "Deployment",
      ["deployment", "deployments", "deploy", "Deploy", "deployments.apps", "deployment.v1.apps"],
    ],
    ["StatefulSet", ["statefulset", "statefulsets", "sts", "STS", "statefulset.apps"]],
    ["DaemonSet", ["daemonset", "daemonsets", "ds", "DaemonSet", "daemonsets.apps"]],
    ["Rollout", ["rollout", "rollouts", "ro", "Rollout", "rollouts.argoproj.io"]],
  ])("include those of kubectl for a %s", (kind, names) => {
    expect(names.map(parseKind)).toEqual(names.map(() => kind));
  });

  test.each([
    "",
    "pod",
    "po",
    "rs",
    "replicaset",
    "deploys",
    "deployments.extensions",
    "rollouts.apps",
    "deployments.v1beta1.apps",
  ])("do not include %j for a restart", (name) => {
    expect(parseKind(name)).toBeUndefined();
  });

  test.each([
    ["Deployment", ["deploy", "deployments.apps"]],
    ["Pod", ["pod", "pods", "po", "Pod"]],
    ["ReplicaSet", ["replicaset", "replicasets", "rs", "replicasets.apps", "rs.v1.apps"]],
    ["ReplicationController", ["replicationcontroller", "replicationcontrollers", "rc"]],
    ["Job", ["job", "jobs", "Job", "jobs.batch", "jobs.v1.batch"]],
    ["CronJob", ["cronjob", "cronjobs", "cj", "cronjobs.batch"]],
  ])("include those of kubectl for a %s that is only explained", (kind, names) => {
    expect(names.map(parseAnyKind)).toEqual(names.map(() => kind));
  });

  test.each(["", "node", "pods.apps", "jobs.apps", "cloneset"])(
    "do not include %j at all",
    (name) => {
      expect(parseAnyKind(name)).toBeUndefined();
    },
  );
});

test.each([
  ["Deployment", true],
  ["StatefulSet", true],
  ["DaemonSet", true],
  ["Rollout", true],
  ["ReplicaSet", false],
  ["Pod", false],
  ["deployment", false],
])("isRestartable returns for %s: %s", (kind, restartable) => {
  expect(isRestartable(kind)).toBe(restartable);
});

test("a kind has the API, names and short name of Kubernetes", () => {
  expect(apiOf("StatefulSet")).toEqual({ api: "apps/v1", resource: "statefulsets" });
  expect(apiOf("Rollout")).toEqual({ api: "argoproj.io/v1alpha1", resource: "rollouts" });
  expect(resourceName({ kind: "DaemonSet", name: "agent" })).toBe("daemonset/agent");
  expect(shortKind("Deployment")).toBe("deploy");
  expect(shortKind("Rollout")).toBe("ro");
  expect(shortKind("CloneSet")).toBe("cloneset");
});

test("rolloutCommand uses the plugin of Argo Rollouts for a Rollout", () => {
  const web = { namespace: "shop", kind: "Deployment", name: "web" };
  const own = { ...web, kind: "Rollout" };
  expect(formatStep(rolloutCommand("undo", web))).toBe(
    "kubectl rollout undo deployment/web -n shop",
  );
  expect(formatStep(rolloutCommand("undo", own))).toBe("kubectl argo rollouts undo web -n shop");
  expect(formatStep(rolloutCommand("resume", own))).toBe(
    "kubectl argo rollouts promote web -n shop",
  );
});

test.each([
  ["StrimziPodSet", "strimzipodset", true],
  ["StrimziPodSet", "StrimziPodSet", true],
  ["StrimziPodSet", "strimzipodsets", true],
  ["StrimziPodSet", "strimzipodsets.core.strimzi.io", true],
  ["Policy", "policies", true],
  ["Process", "processes", true],
  ["StrimziPodSet", "podset", false],
  ["Cluster", "clu", false],
])("the kind %s is named by %s: %s", (kind, text, expected) => {
  expect(isSameKind(kind, text)).toBe(expected);
});

test.each([
  ["StatefulSet", "apps/v1", "StatefulSet"],
  ["StatefulSet", "apps.kruise.io/v1beta1", "StatefulSet.apps.kruise.io"],
  ["DaemonSet", "apps.kruise.io/v1alpha1", "DaemonSet.apps.kruise.io"],
  ["Job", "batch.volcano.sh/v1alpha1", "Job.batch.volcano.sh"],
  ["Job", "batch/v1", "Job"],
  ["Rollout", "argoproj.io/v1alpha1", "Rollout"],
  ["Rollout", "rollouts.kruise.io/v1alpha1", "Rollout.rollouts.kruise.io"],
  ["CloneSet", "apps.kruise.io/v1alpha1", "CloneSet"],
  ["Deployment", "extensions/v1beta1", "Deployment"],
  ["Deployment", "apps/v1beta2", "Deployment"],
  ["Pod", "v1", "Pod"],
])("a %s of %s is reported as %s", (kind, apiVersion, reported) => {
  expect(reportedKind(kind, apiVersion)).toBe(reported);
});

test.each([
  ["StatefulSet.apps.kruise.io", "statefulset.apps.kruise.io", true],
  ["StatefulSet.apps.kruise.io", "statefulsets.v1beta1.apps.kruise.io", true],
  ["StatefulSet.apps.kruise.io", "statefulset", false],
  ["StatefulSet", "statefulset.apps.kruise.io", false],
  ["StatefulSet", "statefulsets.apps", true],
  ["StatefulSet", "StatefulSet", true],
  ["CloneSet", "clonesets.apps.kruise.io", true],
])("%s is named by %s: %s", (kind, text, expected) => {
  expect(isSameKind(kind, text)).toBe(expected);
});
