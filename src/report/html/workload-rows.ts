import { count } from "../../wording.ts";
import { ageCell, readAge } from "../age-text.ts";
import { workloadName } from "../sections.ts";
import type { WorkloadEntry } from "../document.ts";
import { labelCells, shortKey } from "../label-columns.ts";
import { isRestartable, needsPerson, readiness, shownReason } from "../entry-status.ts";
import { imageTexts } from "../image-text.ts";
import { limitText } from "../age-text.ts";
import { verdictChip } from "./bar.ts";
import type { OfCluster } from "./cluster-outcome.ts";
import { type Content, html, type Markup, stepMarkup } from "./markup.ts";
import { BAR_ORDER } from "./shares.ts";

/** A workload with the names and limits that its row shows. */
export interface WorkloadRow extends OfCluster<WorkloadEntry> {
  /** The value of `--max-age`; `undefined` if there is none. */
  readonly maxAge: string | undefined;
  /** The keys of `--label-columns`. */
  readonly labelColumns: readonly string[] | undefined;
}

const imageText = imageTexts(false);

/**
 * Returns the table of all workloads, in pieces: those with the worst verdict first, in the order of the
 * report. The script of the page adds filters and sorting.
 */
export function* workloadTable(
  rows: readonly WorkloadRow[],
  clusters: readonly string[],
): Generator<Content> {
  if (rows.length === 0) return;
  const isFleet = clusters.length > 1;
  const namespaces = [...new Set(rows.map(({ item }) => item.namespace))].sort();
  const verdicts = BAR_ORDER.filter((verdict) => rows.some(({ item }) => item.verdict === verdict));
  const head = [...(isFleet ? ["Cluster"] : []), ...HEAD];
  yield html`<section id="workloads" aria-labelledby="workloads-title">
    <h2 id="workloads-title">${count(rows.length, "workload")}</h2>
    <form id="filter" hidden="hidden" role="search" aria-label="Workloads">
      <label
        >Search <input id="filter-text" type="search" autocomplete="off" spellcheck="false"
      /></label>
      ${isFleet ? choice("Cluster", "cluster", clusters) : undefined}
      ${choice("Namespace", "namespace", namespaces)} ${choice("Verdict", "verdict", verdicts)}
      <button type="reset">Clear</button>
      <output id="filter-count" role="status"></output>
    </form>
    <table id="workload-rows" class="${isFleet ? "cards fleet" : "cards"}" aria-label="Workloads">
      <thead>
        <tr>
          ${head.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
   `;
  for (const row of sorted(rows)) yield workloadRow(row, isFleet);
  yield html`</tbody>
</table>
</section>
`;
}

const HEAD = ["Workload", "Namespace", "Verdict", "From", "To", "Ready", "Outdated for", "Why"];

/** A field by which the script filters. */
function choice(label: string, field: string, values: readonly string[]): Markup {
  return html`<label
    >${label}
    <select data-field="${field}">
      <option value="">all</option>
      ${values.map((value) => html`<option value="${value}">${value}</option>`)}
    </select></label
  >`;
}

function sorted(rows: readonly WorkloadRow[]): readonly WorkloadRow[] {
  return rows.toSorted((a, b) => rankOf(a.item) - rankOf(b.item));
}

/** Workloads that need a person come first, and those that are left out last. */
const ORDER: readonly WorkloadEntry["verdict"][] = [
  "would-lose",
  "blocked",
  "unknown",
  "outdated",
  "missing",
  "current",
  "pinned",
  "excluded",
  "managed",
];

function rankOf(entry: WorkloadEntry): number {
  return 2 * ORDER.indexOf(entry.verdict) + (needsPerson(entry) ? 0 : 1);
}

function workloadRow(
  { cluster, item, maxAge, labelColumns }: WorkloadRow,
  isFleet: boolean,
): Markup {
  const { namespace, verdict } = item;
  const reason = why(item);
  return html`<tr
    data-cluster="${isFleet ? cluster : undefined}"
    data-namespace="${namespace}"
    data-verdict="${verdict}"
  >
    ${isFleet ? html`<td class="cluster">${cluster}</td>` : undefined}
    <th scope="row">${workloadName(item)}</th>
    <td class="namespace">${namespace}${labels(item, labelColumns)}</td>
    <td data-key="${rankOf(item)}">${chips(item, maxAge)}</td>
    ${changeCells(item)}${readyCell(item)}${ageCells(item)}
    ${reason === undefined ? html`<td class="why empty"></td>` : html`<td class="why">${reason}</td>`}
  </tr> `;
}

/** The labels that the user asked for: `team: payments`. */
function labels(entry: WorkloadEntry, keys: readonly string[] = []): Content {
  return labelCells(entry, keys).map((value, index) =>
    value === "-"
      ? undefined
      : html` <span class="label">${shortKey(keys[index] ?? "").toLowerCase()}: ${value}</span>`,
  );
}

function chips(entry: WorkloadEntry, maxAge: string | undefined): Content {
  const { verdict, restart, withinMaxAge } = entry;
  const isByHand = restart !== "yes" && (verdict === "outdated" || verdict === "missing");
  return [
    verdictChip(verdict),
    isByHand ? html` <span class="chip by-hand">by hand</span>` : undefined,
    withinMaxAge ? html` <span class="chip">${limitText(maxAge ?? "")}</span>` : undefined,
  ];
}

function changeCells({ running, target, change }: WorkloadEntry): Markup {
  const isMove = change === "revision";
  const to = target?.image ?? null;
  // Some pods may be on target already.
  const behind = running.filter((group) => group.change !== "none");
  const from = [
    ...new Set(
      (behind.length > 0 ? behind : running).map(({ image, revision }) =>
        isMove ? (revision ?? "?") : imageText(image, to),
      ),
    ),
  ].join(", ");
  const beside = running.find(({ image }) => image !== null && image !== to)?.image ?? null;
  const text = to === null ? "" : isMove ? (target?.revision ?? "?") : imageText(to, beside);
  const isSame = from === text;
  return html`<td class="from">${from}</td>
    <td class="${isSame || text === "" ? "to empty" : "to"}">
      ${isSame ? "" : text}${
        change === "none" || isSame
          ? undefined
          : html` <span class="change ${change}">${change}</span>`
      }
    </td>`;
}

function readyCell(entry: WorkloadEntry): Markup {
  const { ready, pods } = readiness(entry);
  const kind = ready < pods ? "pods unready" : "pods";
  return html`<td class="${kind}" data-key="${ready - pods}">
    ${ready}/${pods}<span class="unit"> ready</span>
  </td>`;
}

function ageCells({ outdatedFor }: WorkloadEntry): Markup {
  if (outdatedFor === undefined) return html`<td class="age empty" data-key="-1"></td>`;
  const { atLeast, atMost = Infinity } = readAge(outdatedFor);
  // An unknown age comes after all others.
  const key = atLeast ?? (Number.isFinite(atMost) ? 1e12 : 1e13);
  return html`<td class="age" data-key="${key}">
    <span class="unit">outdated for </span>${ageCell(outdatedFor)}
  </td>`;
}

/** A workload on target needs no words, and neither does one that a restart fixes. */
function why(entry: WorkloadEntry): Content {
  const { code, nextStep } = entry;
  if ((code === "on-target" || isRestartable(entry)) && nextStep === "") return undefined;
  return [
    html`<span>${shownReason(entry)}</span>`,
    nextStep === "" ? undefined : html` <span class="next">${stepMarkup(nextStep)}</span>`,
  ];
}
