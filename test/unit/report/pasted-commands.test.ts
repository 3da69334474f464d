import { expect, test } from "vitest";
import {
  clusterFlags,
  completeCommands,
  withCompleteCommands,
} from "../../../src/report/pasted-commands.ts";
import { commonSettings } from "../../../src/settings.ts";

const RAW = {
  requestTimeout: "30s",
  istioNamespace: "aks-istio-system",
  output: "table",
  color: "auto",
};

function flagsOf(raw: Readonly<Record<string, string>>) {
  return clusterFlags(commonSettings({ ...RAW, ...raw }));
}

const PROD = flagsOf({ context: "prod", istioNamespace: "istio-system" });

test.each<[text: string, expected: string]>([
  [
    "kubectl label namespace shop istio-injection-",
    "kubectl --context prod label namespace shop istio-injection-",
  ],
  [
    "istioctl tag set prod --revision asm-1-28 --istioNamespace istio-system --overwrite",
    "istioctl --context prod tag set prod --revision asm-1-28 --istioNamespace istio-system --overwrite",
  ],
  [
    "istio-upgrade restart --namespace shop",
    "istio-upgrade restart --context prod --istio-namespace istio-system --namespace shop",
  ],
  [
    "see its events: kubectl describe, kubectl get events",
    "see its events: kubectl --context prod describe, kubectl --context prod get events",
  ],
  [
    "kubectl get configmap a -o yaml | kubectl create -f -",
    "kubectl --context prod get configmap a -o yaml | kubectl --context prod create -f -",
  ],
  [
    "kubectl argo rollouts undo web -n shop",
    "kubectl argo rollouts --context prod undo web -n shop",
  ],
  // What stands in quotes is a value, whatever it says.
  [
    "kubectl get 'a kubectl get b' 'it'\\''s istioctl tag set'",
    "kubectl --context prod get 'a kubectl get b' 'it'\\''s istioctl tag set'",
  ],
  // Complete already, or no command at all.
  ["kubectl --context prod get --raw /readyz", "kubectl --context prod get --raw /readyz"],
  ["see whether kubectl can", "see whether kubectl can"],
  ["the next run gets it", "the next run gets it"],
  ["remove the annotation istio-upgrade/exclude", "remove the annotation istio-upgrade/exclude"],
])("%s", (text, expected) => {
  expect(completeCommands(text, PROD)).toBe(expected);
});

test("values that a shell would take apart are quoted", () => {
  const flags = flagsOf({ kubeconfig: "/tmp/my config", context: "it's" });
  expect(completeCommands("kubectl get pods", flags)).toBe(
    `kubectl --kubeconfig '/tmp/my config' --context 'it'\\''s' get pods`,
  );
});

test("whoever gave no flags needs none", () => {
  expect(flagsOf({})).toEqual({ shared: "", own: "" });
});

test("in a document only what is there to be typed changes", () => {
  const text = "kubectl get pods";
  const document = {
    gaps: [{ message: text, hint: text }],
    workloads: [{ reason: text, nextStep: text, holders: [{ release: text }] }],
    count: 1,
    none: null,
  };
  const complete = "kubectl --context prod get pods";
  expect(withCompleteCommands(document, PROD)).toEqual({
    gaps: [{ message: text, hint: complete }],
    workloads: [{ reason: text, nextStep: complete, holders: [{ release: complete }] }],
    count: 1,
    none: null,
  });
  expect(withCompleteCommands(document, flagsOf({}))).toBe(document);
});
