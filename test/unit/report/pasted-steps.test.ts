import { expect, test } from "vitest";
import { problemOf, problemOfSteps } from "../../support/pasted-steps.ts";

test.each([
  "",
  "fix it first, or restart it as it is: istio-upgrade restart sts/db -n shop --allow-downtime",
  "kubectl label namespace 'a b' istio.io/rev=asm-1-27 --overwrite",
  "remove it: kubectl delete deployment 'a'\\''b' -n shop; then: istio-upgrade check",
  "kubectl get deployment web -o yaml | istioctl kube-inject -f - --revision asm-1-27",
  "see the usage: istio-upgrade check --help",
])("%j can be pasted", (step) => {
  expect(problemOf(step)).toBeUndefined();
});

test.each([
  "run restart with --allow-downtime",
  "find the error in kubectl logs deployment/istiod -n istio-system",
  "name the namespace <ns>",
  "istio-upgrade check --include-all",
  "istio-upgrade restart",
  "istio-upgrade explain KIND/NAME/POD",
  "kubectl frob pods",
  "kubectl rollout frob deployment/web",
  "kubectl get pods --frob",
  "kubectl get 'pods",
  "kubectl get pods -n <ns>",
  "kubectl get pods > file",
  "kubectl get pods (of the server)",
  "kubectl delete pod ... -n shop",
  "az aks get-credentials",
])("%j cannot be pasted", (step) => {
  expect(problemOf(step)).toBeDefined();
});

test("a command has the flags of the run that prints it", () => {
  const args = ["check", "--context", "prod"];
  expect(problemOf("kubectl get pods", args)).toBe("kubectl does not get --context");
  expect(problemOf("kubectl --context test get pods", args)).toBe("kubectl does not get prod");
  expect(problemOf("kubectl --context prod get pods", args)).toBeUndefined();
  expect(problemOf("see the usage: istio-upgrade check --help", args)).toBeUndefined();
});

test("only an error and a note may name flags of the command that was typed", () => {
  const step = "add --yes";
  expect(problemOfSteps({ kind: "Error", hint: step })).toBeUndefined();
  expect(problemOfSteps({ kind: "CheckReport", notes: [step] })).toBeUndefined();
  expect(problemOfSteps({ kind: "CheckReport", gaps: [{ hint: step }] })).toBeDefined();
  expect(problemOfSteps({ kind: "CheckReport", warnings: [{ message: step }] })).toBeDefined();
});
