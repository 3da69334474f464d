import { capitalized } from "../../wording.ts";
import type { StatusReport } from "../document.ts";
import { PHASE_TEXTS, podsText } from "../status-text.ts";
import type { Headline } from "./headline.ts";
import { type Content, html, stepMarkup } from "./markup.ts";
import { columns, gapTable, noteTable } from "./report-sections.ts";
import { ALONE, type Place, section, table } from "./table.ts";

/** Returns the headline about an upgrade. */
export function statusHeadline({ phase, from, to, complete, exitCode }: StatusReport): Headline {
  const way = from === null || to === null ? [] : [`From ${from} to ${to}`];
  const state = phase === null ? "the phase is unknown" : PHASE_TEXTS[phase];
  const sentence = capitalized(state);
  if (phase === null || !complete) {
    const text = phase === null ? sentence : `${sentence}, as far as it could be read`;
    return { tone: "incomplete", text, details: way };
  }
  return { tone: exitCode === 0 ? "good" : "warning", text: sentence, details: way };
}

/** Returns the sections about an upgrade: its checklist, and its namespaces. */
export function* statusSections(document: StatusReport, place: Place = ALONE): Generator<Content> {
  const titled = (id: string, title: string, content: Content) =>
    section(`${place.id}${id}`, html`${title}${place.title}`, content);
  const { steps, namespaces, nextStep } = document;
  if (nextStep !== "") yield titled("next", "Next", html`<p>${stepMarkup(nextStep)}</p>`);
  yield gapTable(document.gaps, place);
  yield titled(
    "steps",
    "Steps",
    html`<ol class="steps">
      ${steps.map(
        ({ state, message, nextStep: step }) =>
          html`<li class="${state}">
            <span class="chip ${state}">${state}</span> ${message}${
              step === "" || state === "done"
                ? undefined
                : html` <span class="next">${stepMarkup(step)}</span>`
            }
          </li>`,
      )}
    </ol>`,
  );
  yield titled(
    "namespaces",
    "Namespaces",
    table(
      "Namespaces",
      columns(
        "Namespace",
        "Leads to",
        "Tag",
        "Pods",
        "Outdated",
        "By hand",
        "Would lose",
        "Blocked",
        "Next step",
      ),
      namespaces.map((entry) => [
        entry.name,
        entry.leadsTo ?? "none",
        entry.tag ?? "",
        podsText(entry),
        entry.outdated,
        entry.byHand,
        entry.wouldLose,
        entry.blocked,
        stepMarkup(entry.nextStep),
      ]),
    ),
  );
  yield noteTable(document.notes, place);
}
