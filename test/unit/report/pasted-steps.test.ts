import { expect, test } from "vitest";
import { problemOf } from "../../support/pasted-steps.ts";

test.each([
  "",
  "fix it first, or restart it as it is: istio-upgrade restart sts/db -n shop --allow-downtime",
  "kubectl label namespace 'a b' istio.io/rev=asm-1-27 --overwrite",
])("%j can be pasted", (step) => {
  expect(problemOf(step)).toBeUndefined();
});

test.each([
  "run restart with --allow-downtime",
  "istio-upgrade check --include-all",
  "istio-upgrade restart",
  "kubectl frob pods",
  "kubectl get 'pods",
])("%j cannot be pasted", (step) => {
  expect(problemOf(step)).toBeDefined();
});
