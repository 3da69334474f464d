import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockedBy, notInjected, unknownOutcome } from "../../src/mesh/findings.ts";
import { remainingReferences } from "../../src/mesh/remaining-references.ts";
import { resourceName, rolloutCommand } from "../../src/kubernetes/kinds.ts";
import { type Command, istioUpgrade, type NextStep } from "../../src/next-step.ts";
import { createStepFormatter } from "../../src/report/next-step-text.ts";
import { plainCommand } from "../../src/report/plain.ts";
import { renderMarkdown } from "../../src/report/markdown.ts";
import { shellWord } from "../../src/shell-word.ts";
import { ATTACKS, hostileText } from "../support/build/hostile.ts";
import { checkReport } from "../support/build/report.ts";

/** The words of each command, as a shell takes them, and whether it did anything besides. */
function ranBy(commands: readonly string[]): {
  readonly words: string[][];
  readonly owned: boolean;
} {
  const cwd = mkdtempSync(join(tmpdir(), "shell-word-"));
  const script = [
    `said() { printf '%s\\0' "$@"; printf '\\n\\0'; }`,
    ...["kubectl", "istioctl", "istio-upgrade"].map((name) => `${name}() { said ${name} "$@"; }`),
    ...commands,
  ].join("\n");
  try {
    // bash takes a dash in a function's name; no program of the cluster is there to be run.
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script], {
      cwd,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    const words = stdout
      .split("\n\0")
      .slice(0, -1)
      .map((line) => line.split("\0").slice(0, -1));
    return { words, owned: existsSync(join(cwd, "owned")) };
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

/**
 * Returns a text that a shell accepts: without NUL, and with lines joined as `plainCommand` does.
 */
const oneLine = (text: string) => plainCommand(text) || "x";

test("a shell takes any value as the one word that it is", () => {
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 20, maxLength: 20 }), (texts) => {
      const values = [...Object.values(ATTACKS), ...texts].map(oneLine);
      const { words, owned } = ranBy(values.map((value) => `kubectl get ${shellWord(value)}`));
      expect(words).toEqual(values.map((value) => ["kubectl", "get", value]));
      expect(owned).toBe(false);
    }),
    { numRuns: 10 },
  );
});

test.each([
  ["web", "web"],
  ["istio.io/rev=asm-1-27", "istio.io/rev=asm-1-27"],
  ["app in (a,b)", "'app in (a,b)'"],
  ["it's", `'it'\\''s'`],
  ["", "''"],
])("%j is written %s", (value, written) => {
  expect(shellWord(value)).toBe(written);
});

/** Returns every command that the program suggests for a cluster whose every text is `evil`. */
function commandsAbout(evil: string): readonly Command[] {
  const ref = { namespace: evil, kind: evil, name: evil };
  const injector = {
    configuration: "a",
    service: { namespace: evil, name: evil },
  } as unknown as Parameters<typeof notInjected.unavailableWebhook>[0];
  const use = { namespace: evil, names: [evil], count: 1, revision: evil } as const;
  const reference = { ...use, label: `istio.io/rev=${evil.replaceAll("=", "")}`, tag: undefined };
  const pods = {
    ...use,
    kind: "pods",
    gateway: false,
    managed: false,
    release: { by: "restart", to: undefined },
  } as const;
  const choose = (stepTo: (to: string) => Command | string) => stepTo(evil);
  const move = { from: evil, choose, istioNamespace: evil, elsewhere: undefined };
  const holders = remainingReferences(
    [
      pods,
      { ...reference, kind: "tags" },
      { ...reference, kind: "namespaces" },
      { ...reference, kind: "namespaces", label: "selected by a webhook" },
      { ...reference, kind: "gateways" },
    ],
    { ...move, ambiguous: false },
  );
  const steps: readonly NextStep[] = [
    notInjected.unavailableWebhook(injector).nextStep,
    unknownOutcome.noControlPlane(injector, evil).nextStep,
    unknownOutcome.noConfigMap("asm-1-27", evil).nextStep,
    unknownOutcome.badConfigMap(evil, evil, "no").nextStep,
    unknownOutcome.namespaceUnread(evil).nextStep,
    unknownOutcome.ownerUnread({ ...ref, uid: "u" }).nextStep,
    ...holders.map(({ release }) => release),
    ...(["status", "undo", "resume"] as const).map((verb) => rolloutCommand(verb, ref)),
    rolloutCommand("resume", { ...ref, kind: "Rollout" }),
    istioUpgrade("restart", resourceName(ref), "--namespace", "shop"),
  ];
  return steps.flatMap(commandsIn);
}

function commandsIn(step: NextStep): readonly Command[] {
  if (typeof step === "string") return [];
  if (step.kind !== "sentence") return [step];
  return step.parts.filter((part) => typeof part !== "string");
}

const formatStep = createStepFormatter({
  context: "it's; $(touch owned) prod",
  istioNamespace: "istio-system",
});

describe.each(Object.entries(ATTACKS))("of a cluster that says %s", (_what, evil) => {
  const commands = commandsAbout(evil).map((command) => plainCommand(formatStep(command)));

  test("every command that is to be pasted does nothing but what it says", () => {
    const { words, owned } = ranBy(commands);
    expect(owned).toBe(false);
    expect(words.length).toBeGreaterThanOrEqual(commands.length);
    for (const [program, ...rest] of words) {
      expect(["kubectl", "istioctl", "istio-upgrade"]).toContain(program);
      expect(rest.filter((word) => word === "it's; $(touch owned) prod")).toHaveLength(1);
    }
  });

  test("and is the same when copied from a ticket", () => {
    for (const nextStep of commands) {
      const report = { ...checkReport(), nextStep };
      const [, shown = ""] = /^Next: (.*)$/m.exec(renderMarkdown(report)) ?? [];
      const inCode = /^<code>(.*)<\/code>$/.exec(shown)?.[1]?.replace(/\\(.)/g, "$1");
      expect(inCode ?? /^`(.*)`$/.exec(shown)?.[1]).toBe(nextStep);
    }
  });
});

test("a refusal in the cluster's words is no command", () => {
  const evil = ATTACKS["shell commands"] ?? "";
  expect(blockedBy.refusal("the dry run", evil).nextStep).not.toContain("touch");
  expect(blockedBy.missingTemplate(evil, [evil], evil).nextStep).not.toContain("touch");
});
