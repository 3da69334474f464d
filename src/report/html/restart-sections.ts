import { count } from "../../wording.ts";
import { CHANGE_HEAD, stepCells } from "../changes.ts";
import type { MovedNamespaceEntry, RestartReport, ResultEntry } from "../document.ts";
import { imageTexts } from "../image-text.ts";
import { NAMESPACE_HEAD, namespaceCells } from "../namespace-cells.ts";
import { checksText, WAVE_HEAD, waveRows } from "../wave-rows.ts";
import { numberedBar } from "./bar.ts";
import { unfinishedOf } from "./headline.ts";
import { type Content, command, html, stepMarkup } from "./markup.ts";
import { columns, timeMarkup } from "./report-sections.ts";
import { section, table } from "./table.ts";

const imageText = imageTexts(false);

/** Draws the outcomes of a run as one bar, with the workloads that have not ended. */
export function outcomeBar(report: RestartReport): Content {
  const { results } = report;
  const number = (...outcomes: readonly ResultEntry["outcome"][]) =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return numberedBar([
    { kind: "o-done", name: "done", number: number("restarted", "replaced", "waited") },
    { kind: "o-failed", name: "failed", number: number("failed") },
    {
      kind: "o-late",
      name: "timed out or still rolling",
      number: number("timed-out", "still-rolling"),
    },
    { kind: "o-late", name: "not started", number: number("not-started") },
    { kind: "o-skipped", name: "skipped", number: number("skipped") },
    { kind: "o-left", name: "not ended", number: unfinishedOf(report) ?? 0 },
  ]);
}

/** Returns the plan of a dry run, with its waves. */
export function planSections({ dryRun, steps, waves, pace }: RestartReport): readonly Content[] {
  if (dryRun === null) return [];
  const checks = pace === null ? "" : checksText(pace);
  return [
    section(
      "plan",
      `Plan: ${count(steps.length, "workload")}, in this order`,
      table(
        "Plan",
        columns(...CHANGE_HEAD),
        steps.map((step) => stepCells(step, imageText)),
      ),
    ),
    section(
      "waves",
      `Waves: ${waves.length}${checks === "" ? "" : `, ${checks}`}`,
      table("Waves", columns(...WAVE_HEAD), waveRows({ waves, pace }, true)),
    ),
  ];
}

/** Returns the namespaces of a move, and the command for the way back. */
export function moveSections({ move, namespaces = [] }: RestartReport): readonly Content[] {
  if (move === undefined) return [];
  return [
    section(
      "moved",
      `${count(namespaces.length, "namespace")} to ${move.to}`,
      table(
        "Namespaces",
        columns(...NAMESPACE_HEAD, "Labelled", "Why"),
        namespaces.map((entry) => [...namespaceCells(entry), labelled(entry), why(entry)]),
      ),
    ),
    move.wayBack === "" ? undefined : section("way-back", "Way back", command(move.wayBack)),
  ];
}

function labelled({ labelledAt }: MovedNamespaceEntry): Content {
  return labelledAt === null ? "" : timeMarkup(labelledAt);
}

function why({ message, nextStep }: MovedNamespaceEntry): Content {
  if (nextStep === "") return message;
  return html`${message} <span class="next">${stepMarkup(nextStep)}</span>`;
}
