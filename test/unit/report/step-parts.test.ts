import { expect, test } from "vitest";
import { stepParts } from "../../../src/report/step-parts.ts";

const prose = (text: string) => ({ kind: "prose", text });
const command = (text: string) => ({ kind: "command", text });

test.each<[step: string, parts: ReturnType<typeof stepParts>]>([
  ["", []],
  ["fix it first", [prose("fix it first")]],
  ["kubectl get pods", [command("kubectl get pods")]],
  ["see its events: kubectl get pods", [prose("see its events: "), command("kubectl get pods")]],
  [
    "to a: kubectl get a && istio-upgrade check; to b: kubectl get b",
    [
      prose("to a: "),
      command("kubectl get a && istio-upgrade check"),
      prose("; "),
      prose("to b: "),
      command("kubectl get b"),
    ],
  ],
  ["kubectl get 'a; b: kubectl c'", [command("kubectl get 'a; b: kubectl c'")]],
  [
    "kubectl get 'a'\\''b'; kubectl get c",
    [command("kubectl get 'a'\\''b'"), prose("; "), command("kubectl get c")],
  ],
  [
    "it isn't there; see: kubectl get a",
    [prose("it isn't there"), prose("; "), prose("see: "), command("kubectl get a")],
  ],
  ["ask a person who knows kubectl", [prose("ask a person who knows kubectl")]],
] as [string, ReturnType<typeof stepParts>][])("splits %j", (step, parts) => {
  expect(stepParts(step)).toEqual(parts);
  expect(
    stepParts(step)
      .map(({ text }) => text)
      .join(""),
  ).toBe(step);
});
