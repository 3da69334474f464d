import { wrapAnsi } from "fast-wrap-ansi";
import type { Verdict } from "../mesh/verdict.ts";
import type { Explanation, TraceEntry } from "./document.ts";
import { driftText } from "./drift-groups.ts";
import { plain, plainCommand } from "./plain.ts";
import { gapLines, joinSections, noteLines, workloadName } from "./sections.ts";
import type { Style } from "./style.ts";

/**
 * Renders a line for each step of the decision, the verdict and the next step.
 *
 * @param wide shows every webhook, also those that are not called while another one is.
 */
export function renderExplanation(
  document: Explanation,
  style: Style,
  wide: boolean,
): Iterable<string> {
  const { subject, verdict, code, reason, nextStep, workload, inPlace } = document;
  const name = `${plain(subject.namespace)}/${workloadName(subject)}`;
  const asked = subject.pod === null ? "" : `, the owner of pod/${plain(subject.pod)}`;
  const restart = workload?.restartReason ? `${workload.restart}: ${workload.restartReason}` : "";
  return joinSections([
    [`${style.bold(name + asked)}: ${colored(verdict, style)}`],
    shownSteps(document.steps, wide).flatMap(([step, text]) => labelled(step, text, style)),
    [
      ...labelled("verdict", `${verdict ?? "none"} (${code}): ${reason}`, style),
      ...labelled("restart", restart, style),
      ...inPlaceLines(inPlace, style),
      ...driftLines(workload, style),
      ...(workload?.warnings ?? []).flatMap(({ message }) => labelled("warning", message, style)),
      // A command is not wrapped, so that it can be pasted.
      ...(nextStep === "" ? [] : [`${label("next", style)}${plainCommand(nextStep)}`]),
    ],
    gapLines(document, style),
    noteLines(document, style),
  ]);
}

function inPlaceLines(inPlace: Explanation["inPlace"], style: Style): readonly string[] {
  if (inPlace === undefined) return [];
  const { possible, reason, nextStep } = inPlace;
  const text = possible ? `possible: ${reason}` : reason.replace(/^not in place: /, "no: ");
  const hasCommand = nextStep.includes("--in-place");
  return [
    ...labelled("in place", text, style),
    ...(hasCommand ? [`${" ".repeat(INDENT)}${plainCommand(nextStep)}`] : []),
  ];
}

/** Returns a line for each change of a restart. */
function driftLines(workload: Explanation["workload"], style: Style): readonly string[] {
  const { drift } = workload ?? {};
  if (drift === undefined || drift === null) return [];
  if (drift.length === 0) return labelled("drift", "none: a restart would change nothing", style);
  return drift.flatMap((entry) => labelled("drift", `${entry.what}: ${driftText(entry)}`, style));
}

const INDENT = 11;

function label(name: string, style: Style): string {
  return style.bold(name) + " ".repeat(INDENT - name.length);
}

function labelled(name: string, text: string, style: Style): readonly string[] {
  if (text === "") return [];
  const width = Math.min(style.width ?? 80, 100) - INDENT;
  const [first = "", ...rest] = wrapAnsi(plain(text), width).split("\n");
  return [label(name, style) + first, ...rest.map((line) => " ".repeat(INDENT) + line)];
}

/** Returns the name and the text of each step. A webhook that is called comes before the others. */
function shownSteps(
  steps: readonly TraceEntry[],
  wide: boolean,
): readonly (readonly [name: string, text: string])[] {
  const webhooks = steps.filter(({ step }) => step === "webhook");
  const called = webhooks.filter(({ result }) => result === "matched");
  const others = webhooks.filter(({ result }) => result !== "matched");
  const isShort = !wide && called.length > 0 && others.length > 1;
  const rest = `${others.length} others are not called (all with --output wide)`;
  const sorted = (isShort ? called : [...called, ...others]).map(textOf);
  const first = steps.findIndex(({ step }) => step === "webhook");
  return steps.flatMap((entry, index) => {
    if (index === first) return isShort ? [...sorted, ["webhook", rest] as const] : sorted;
    return entry.step === "webhook" ? [] : [textOf(entry)];
  });
}

function textOf(entry: TraceEntry): readonly [name: string, text: string] {
  return [entry.step, stepText(entry)];
}

function stepText({ step, subject, result, detail }: TraceEntry): string {
  switch (step) {
    case "webhook": {
      const name = subject.replace("/", " ").replace(".sidecar-injector.istio.io", "");
      return `${result === "matched" ? "called" : "no"}: ${name}: ${detail}`;
    }
    case "target":
      if (result === "injected") return `${detail} of ${subject}`;
      return result === "pinned" ? detail : `${OUTCOMES[result] ?? result}: ${detail}`;
    case "pods":
      if (result === "no-pods") return detail;
      return `${subject}${result === "terminating" ? " terminating" : ""}: ${detail}`;
    default:
      return `${subject}: ${detail}`;
  }
}

const OUTCOMES: Readonly<Record<string, string>> = {
  none: "no sidecar",
  rejected: "rejected",
  proved: "proved by a dry run",
};

function colored(verdict: Verdict | null, style: Style): string {
  switch (verdict) {
    case null:
      return style.dim("outside the mesh");
    case "managed":
    case "excluded":
    case "pinned":
      return style.dim(verdict);
    case "current":
      return style.good(verdict);
    case "outdated":
    case "missing":
      return style.warn(verdict);
    case "unknown":
    case "would-lose":
    case "blocked":
      return style.bad(verdict);
  }
}
