import { wrapAnsi } from "fast-wrap-ansi";
import { count } from "../wording.ts";
import { shortKind } from "../kubernetes/kinds.ts";
import type { GapEntry } from "./document.ts";
import { plain, plainCommand } from "./plain.ts";
import { stepParts } from "./step-parts.ts";
import type { Style } from "./style.ts";

/** The lines of a section, which all kinds of documents share. */
export type Lines = Iterable<string>;

/** Puts a title above lines. Yields nothing if there are no lines. */
export function* titled(title: string, lines: Lines): Generator<string> {
  let first = true;
  for (const line of lines) {
    if (first) yield title;
    first = false;
    yield line;
  }
}

/** Separates sections by an empty line. Sections without lines are left out. */
export function* joinSections(sections: readonly Lines[]): Generator<string> {
  let first = true;
  for (const section of sections) {
    let starts = true;
    for (const line of section) {
      yield `${starts && !first ? "\n" : ""}${line}\n`;
      [starts, first] = [false, false];
    }
  }
}

/** Formats a workload as kubectl accepts it: `deploy/web`. */
export function workloadName({
  kind,
  name,
}: {
  readonly kind: string;
  readonly name: string;
}): string {
  return plain(`${shortKind(kind)}/${name}`);
}

export function indented(text: string, style: Style, spaces = 4): readonly string[] {
  const width = Math.min(style.width ?? 80, 100) - spaces;
  return wrapAnsi(plain(text), width)
    .split("\n")
    .map((line) => " ".repeat(spaces) + line);
}

/** Breaks a line at words if it is too wide for the terminal, which would break words. */
export function wrapped(line: string, { width }: Style): string {
  return width === undefined ? line : wrapAnsi(line, width);
}

/**
 * Formats a next step, which is not wrapped so that it can be pasted. Each of several commands gets a
 * line of its own.
 */
export function nextStepLine(text: string, style: Style): readonly string[] {
  if (text === "") return [];
  const lines = [""];
  let hasCommand = false;
  for (const { kind, text: part } of stepParts(plainCommand(text))) {
    if (kind === "prose" && part === "; " && hasCommand) {
      lines.push("");
      hasCommand = false;
    } else {
      lines.push(`${lines.pop() ?? ""}${part}`);
      hasCommand ||= kind === "command";
    }
  }
  return lines.map((line, index) => `    ${index === 0 ? style.dim("->") : "  "} ${line}`);
}

/** The one next step of a report. A command is not wrapped, so that it can be pasted. */
export function nextSection({ nextStep }: { readonly nextStep: string }, style: Style): Lines {
  if (nextStep === "") return [];
  const isCommand = stepParts(plainCommand(nextStep)).some(({ kind }) => kind === "command");
  const lines = isCommand ? [`  ${plainCommand(nextStep)}`] : indented(nextStep, style, 2);
  return [style.bold("NEXT"), ...lines];
}

export function gapLines(
  { gaps: all }: { readonly gaps: readonly GapEntry[] },
  style: Style,
): Lines {
  const blocks = all.flatMap((gap) => [
    wrapped(
      plain(`${gap.what}${gap.namespace === null ? "" : ` in ${gap.namespace}`}: ${gap.reason}`),
      style,
    ),
    ...indented(gap.message, style),
    ...nextStepLine(gap.hint, style),
  ]);
  return titled(
    style.bad(`NOT READ: ${count(all.length, "gap")}, so this report is incomplete`),
    blocks,
  );
}

export function noteLines(report: { readonly notes: readonly string[] }, style: Style): Lines {
  return titled(
    style.dim("NOTE"),
    report.notes.flatMap((note) =>
      // A command is not wrapped, so that it can be pasted.
      stepParts(note).flatMap(({ kind, text }) => {
        if (kind === "command") return nextStepLine(text, style);
        return /^[; ]*$/.test(text) ? [] : indented(text, style);
      }),
    ),
  );
}
