import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { describe, expect, test } from "vitest";
import { blockedBy, type Finding, notInjected, unknownOutcome } from "../../src/mesh/findings.ts";
import { resolveMesh } from "../../src/mesh/mesh.ts";
import { kubectl, type NextStep, sentence } from "../../src/next-step.ts";
import { createStepFormatter } from "../../src/report/next-step-text.ts";
import { problemOf } from "../support/pasted-steps.ts";
import { controlPlane } from "../support/build/control-plane.ts";
import { namespace } from "../support/build/namespace.ts";
import { sidecars } from "../support/build/pod-group.ts";
import { deployment, podTemplate } from "../support/build/workload.ts";

const SRC = new URL("../../src/", import.meta.url).pathname;

/** The commands of kubectl 1.35, without `completion`, `help` and `version`. */
const KUBECTL =
  "alpha|annotate|api-resources|api-versions|apply|argo|attach|auth|autoscale|certificate|cluster-info|config|cordon|cp|create|debug|delete|describe|diff|drain|edit|events|exec|explain|expose|get|kustomize|label|logs|patch|plugin|port-forward|proxy|replace|rollout|run|scale|set|taint|top|uncordon|wait";
const COMMAND = new RegExp(
  `\\b(?:kubectl (?:${KUBECTL})|(?:az|istioctl|kubelogin|helm) [a-z-]+|istio-upgrade (?:check|restart|verify|explain|revisions|completion))\\b`,
);

/** Files whose texts are not next steps: the help with its examples, and the types themselves. */
const EXCEPT: ReadonlySet<string> = new Set([
  "program.ts",
  "next-step.ts",
  "report/next-step-text.ts",
]);

/** The code of a file without its comments. */
function codeOf(file: string): string {
  const text = readFileSync(join(SRC, file), "utf8");
  return transformSync(text, { loader: "ts", charset: "utf8" }).code;
}

test("no text in src contains a command, which would lack the cluster's flags", () => {
  const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !EXCEPT.has(file),
  );
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((file) =>
    codeOf(file)
      .split("\n")
      .filter((line) => COMMAND.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(found).toEqual([]);
  expect(codeOf("program.ts")).toMatch(COMMAND);
});

const MESH = resolveMesh(
  controlPlane({ revisions: [{ name: "asm-1-27", values: { image: "proxyv2:v1" } }] }),
);
const [INJECTOR] = MESH.injectors ?? [];
if (INJECTOR === undefined) throw new Error("the mesh has no injector");
const SHOP = namespace("shop", {});
const WEB = { namespace: "shop", kind: "Deployment", name: "web", uid: "uid-web" };
const SOURCE = "configmap/istio-sidecar-injector-asm-1-27";

/** One call of each constructor: a new constructor does not compile until it is listed. */
const NOT_INJECTED: Readonly<Record<keyof typeof notInjected, Finding>> = {
  unavailableWebhook: notInjected.unavailableWebhook(INJECTOR),
  hostNetwork: notInjected.hostNetwork(),
  systemNamespace: notInjected.systemNamespace(SHOP),
  optedOut: notInjected.optedOut("label", "false"),
  neverSelector: notInjected.neverSelector(SOURCE),
  policy: notInjected.policy(SOURCE),
  noWebhook: notInjected.noWebhook(podTemplate(), SHOP, MESH),
};
const BLOCKED_BY: Readonly<Record<keyof typeof blockedBy, Finding>> = {
  unavailableWebhook: blockedBy.unavailableWebhook(INJECTOR),
  refusal: blockedBy.refusal("its pods are rejected", "kubectl get pods"),
  windows: blockedBy.windows("asm-1-27"),
  imageLeftOpen: blockedBy.imageLeftOpen(notInjected.noWebhook(podTemplate(), SHOP, MESH)),
  podSecurity: blockedBy.podSecurity("shop", "restricted", "needs NET_ADMIN", SOURCE),
  duplicateProxy: blockedBy.duplicateProxy(["sidecar", "own"], SOURCE),
  handInjectedGone: blockedBy.handInjectedGone("asm-1-26", MESH),
  missingTemplate: blockedBy.missingTemplate("own", ["sidecar"], SOURCE),
};
const UNKNOWN_OUTCOME: Readonly<Record<keyof typeof unknownOutcome, Finding>> = {
  webhooksUnread: unknownOutcome.webhooksUnread(),
  matchConditions: unknownOutcome.matchConditions("webhook"),
  injectedByHand: unknownOutcome.injectedByHand(),
  severalRevisions: unknownOutcome.severalRevisions(["asm-1-27", "asm-1-28"]),
  noControlPlane: unknownOutcome.noControlPlane(INJECTOR, "aks-istio-system"),
  noConfigMap: unknownOutcome.noConfigMap("asm-1-27", "aks-istio-system"),
  badConfigMap: unknownOutcome.badConfigMap(SOURCE, "aks-istio-system", "no YAML"),
  unknownTemplate: unknownOutcome.unknownTemplate("own", SOURCE),
  duplicateProxy: unknownOutcome.duplicateProxy(["sidecar", "own"], "asm-1-27"),
  injectValue: unknownOutcome.injectValue("label", "yes"),
  namespaceUnread: unknownOutcome.namespaceUnread("shop"),
  malformed: unknownOutcome.malformed(WEB, "spec.template.spec.volumes is not a list"),
  unexpectedError: unknownOutcome.unexpectedError(WEB, "Maximum call stack size exceeded"),
  ownerUnread: unknownOutcome.ownerUnread(WEB),
  revisionUnnamed: unknownOutcome.revisionUnnamed(WEB, 2, "asm-1-27"),
  noPods: unknownOutcome.noPods(WEB, 3),
  notReplaced: unknownOutcome.notReplaced(deployment("web"), {
    ...sidecars(1, "a:1"),
    reported: { image: "a:0", imageId: undefined, specChanged: true },
  }),
  rewritten: unknownOutcome.rewritten(WEB, "a:1", "b:1", "you may not create pods"),
  otherOrigin: unknownOutcome.otherOrigin(WEB, "a:1", "b:2", "you may not create pods"),
  nothingNewer: unknownOutcome.nothingNewer(WEB, "a:1", SOURCE, "you may not create pods"),
  proxyConfig: unknownOutcome.proxyConfig(WEB, "a:1", "a ProxyConfig", "you may not create pods"),
};

describe.each(Object.entries({ NOT_INJECTED, BLOCKED_BY, UNKNOWN_OUTCOME }))(
  "%s",
  (_name, findings) => {
    test.each(Object.entries(findings))("%s", (_constructor, { nextStep }) => {
      expect(flaglessCommands(nextStep)).toEqual([]);
      expect(problemOf(createStepFormatter({ context: "prod" })(nextStep))).toBeUndefined();
    });
  },
);

/** The commands in a next step, as it is printed, that lack the cluster's flags. */
function flaglessCommands(step: NextStep): readonly string[] {
  const printed = createStepFormatter({ context: "prod" })(step);
  const calls = printed.match(
    /\b(?:kubectl(?: argo rollouts)?|istioctl|istio-upgrade(?: \w+)?) .*?(?=$|kubectl|\|)/g,
  );
  return (calls ?? []).filter((call) => !call.includes("--context prod"));
}

test("a command written as prose is found", () => {
  expect(flaglessCommands("see kubectl get pods")).toEqual(["kubectl get pods"]);
  expect(flaglessCommands(sentence`see ${kubectl("get", "pods")}`)).toEqual([]);
});
