import { expect, test } from "vitest";
import {
  argoRollouts,
  az,
  istioctl,
  istioUpgrade,
  kubectl,
  kubelogin,
  type NextStep,
  pipeline,
  sed,
  sentence,
  sequence,
} from "../../../src/next-step.ts";
import { createStepFormatter } from "../../../src/report/next-step-text.ts";

const PROD = { context: "prod", istioNamespace: "istio-system" };

test.each<[text: string, step: NextStep]>([
  [
    "kubectl --context prod label namespace shop istio-injection-",
    kubectl("label", "namespace", "shop", "istio-injection-"),
  ],
  [
    "istioctl --context prod tag set prod --revision asm-1-28",
    istioctl("tag", "set", "prod", "--revision", "asm-1-28"),
  ],
  [
    "istio-upgrade restart --context prod --istio-namespace istio-system --namespace shop",
    istioUpgrade("restart", "--namespace", "shop"),
  ],
  [
    "kubectl argo rollouts --context prod undo web -n shop",
    argoRollouts("undo", "web", "-n", "shop"),
  ],
  [
    "kubelogin convert-kubeconfig --context prod -l azurecli",
    kubelogin("convert-kubeconfig", "-l", "azurecli"),
  ],
  ["az aks install-cli", az("aks", "install-cli")],
  ["istio-upgrade check --help", istioUpgrade("check", "--help")],
  [
    "kubectl --context prod get configmap a -o yaml | sed s/a/b/ | kubectl --context prod create -f -",
    pipeline(
      kubectl("get", "configmap", "a", "-o", "yaml"),
      sed("s/a/b/"),
      kubectl("create", "-f", "-"),
    ),
  ],
  [
    "kubectl --context prod get pods && kubectl --context prod get nodes",
    sequence([kubectl("get", "pods"), kubectl("get", "nodes")]),
  ],
  ["kubectl --context prod get pods", sequence([kubectl("get", "pods")])],
  [
    "list the revisions with kubectl --context prod get configmaps, or name one",
    sentence`list the revisions with ${kubectl("get", "configmaps")}, or name one`,
  ],
  // A value stays one word for any content.
  [
    `kubectl --context prod get 'a; kubectl delete b' 'it'\\''s' ''`,
    kubectl("get", "a; kubectl delete b", "it's", ""),
  ],
  ["remove hostNetwork from the pod template", "remove hostNetwork from the pod template"],
  ["", ""],
])("prints %j", (text, step) => {
  expect(createStepFormatter(PROD)(step)).toBe(text);
});

test("quotes the values of the cluster's flags", () => {
  const formatStep = createStepFormatter({ kubeconfig: "/tmp/my config", context: "it's" });
  expect(formatStep(kubectl("get", "pods"))).toBe(
    `kubectl --kubeconfig '/tmp/my config' --context 'it'\\''s' get pods`,
  );
});

test.each([{}, { context: "" }, { istioNamespace: "aks-istio-system" }])(
  "adds no flag for %j",
  (given) => {
    expect(createStepFormatter(given)(istioUpgrade("check"))).toBe("istio-upgrade check");
  },
);
