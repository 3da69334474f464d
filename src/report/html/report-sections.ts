import { count } from "../../wording.ts";
import { driftGroups, driftingText, driftTitle, exampleText } from "../drift-groups.ts";
import type { FindingEntry, GapEntry, Report, WorkloadEntry } from "../document.ts";
import { isUnready, needsPerson, readiness } from "../entry-status.ts";
import { workloadPath } from "../events.ts";
import { personGroups, personTitle } from "../person-groups.ts";
import { withoutUndone } from "../result-groups.ts";
import { warningGroups } from "../warning-groups.ts";
import { type ClusterOutcome, ofClusters, unreadOf } from "./cluster-outcome.ts";
import { verdictChip } from "./bar.ts";
import { type Content, command, html, type Markup, stepMarkup } from "./markup.ts";
import { ALONE, type Column, type Place, section, table } from "./table.ts";

/** Returns everything about some clusters that could not be read. It comes before what could be read. */
export function unreadSection(clusters: readonly ClusterOutcome[]): Content {
  const unread = unreadOf(clusters);
  return gapSection(
    unread.length,
    nameColumn(clusters),
    unread.map((gap) => [...named(clusters, gap.cluster), ...gapCells(gap)]),
  );
}

/** Returns what could not be read, of a document about one cluster. */
export function gapTable(gaps: readonly GapEntry[], place: Place = ALONE): Content {
  return gapSection(gaps.length, [], gaps.map(gapCells), place);
}

function gapSection(
  number: number,
  before: readonly Column[],
  rows: readonly (readonly Content[])[],
  place: Place = ALONE,
): Content {
  const head = [...before, ...columns("What", "Namespace", "Reason", "Message", "What to do")];
  const title = html`Not read: ${count(number, "gap")}${place.title}`;
  return section(`${place.id}unread`, title, table("Not read", head, rows));
}

type Gap = Omit<GapEntry, "reason"> & { readonly reason: string };

function gapCells({ what, namespace, reason, message, hint }: Gap): readonly Content[] {
  return [what, namespace ?? "", reason, message, stepMarkup(hint)];
}

/** Returns the next command of each cluster. */
export function nextSection(clusters: readonly ClusterOutcome[]): Content {
  const steps = ofClusters(clusters, ({ nextStep }) => (nextStep === "" ? [] : [nextStep]));
  if (steps.length === 0) return undefined;
  return section(
    "next",
    "Next",
    html`<ul class="plain">
      ${steps.map(
        ({ cluster, item }) =>
          html`<li>
            ${clusters.length > 1 ? html`<b>${cluster}</b> ` : undefined}${command(item)}
          </li>`,
      )}
    </ul>`,
  );
}

/** Returns the differences from the earlier report of `--since`. */
export function sinceSections(clusters: readonly ClusterOutcome[]): readonly Content[] {
  return clusters.flatMap(({ name, report }, index) => {
    if (report?.kind !== "CheckReport" || report.since === undefined) return [];
    const { generatedAt, new: found, gone } = report.since;
    const time = generatedAt.slice(0, 16).replace("T", " ");
    const place = clusters.length > 1 ? ` in ${name}` : "";
    if (found.length + gone.length === 0) {
      return [
        section(
          `since-${index}`,
          `Nothing new since ${time}${place}`,
          html`<p>No verdict with something to do is new or gone.</p>`,
        ),
      ];
    }
    const rows = (entries: readonly FindingEntry[], others: readonly (string | null)[]) =>
      entries.map((entry, row) => [
        workloadPath(entry),
        verdictChip(entry.verdict),
        others[row] ?? "",
      ]);
    const part = (what: string, other: string, all: readonly (readonly Content[])[]) =>
      section(
        `${what.toLowerCase()}-${index}`,
        `${what} since ${time}${place}: ${count(all.length, "workload")}`,
        table(what, columns("Workload", "Verdict", other), all),
      );
    return [
      part(
        "New",
        "Before",
        rows(
          found,
          found.map(({ before }) => before),
        ),
      ),
      part(
        "Gone",
        "Now",
        rows(
          gone,
          gone.map(({ now }) => now),
        ),
      ),
    ];
  });
}

/** Returns the workloads that need a person, the most urgent kind first. */
export function personSection(clusters: readonly ClusterOutcome[]): Content {
  const groups = ofClusters(clusters, (report) => personGroups(forPerson(report)));
  const causes = groups.flatMap(({ cluster, item: { title, causes: all } }) =>
    all.map((cause) => ({ cluster, title, ...cause })),
  );
  const number = causes.reduce((sum, { entries }) => sum + entries.length, 0);
  const [first] = clusters.flatMap(({ report }) => report ?? []);
  if (first === undefined) return undefined;
  return section(
    "needs-you",
    `${personTitle(first)}: ${count(number, "workload")}`,
    table(
      personTitle(first),
      [...nameColumn(clusters), ...columns("What", "Workloads", "Why", "What to do")],
      causes.map(({ cluster, title, entries, reason, nextSteps }) => [
        ...named(clusters, cluster),
        verdictChip(entries[0]?.verdict ?? "unknown", title),
        pathList(entries),
        reason,
        html`${nextSteps.map((step) => html`<p class="step">${stepMarkup(step)}</p>`)}`,
      ]),
    ),
  );
}

function forPerson(report: Report): readonly WorkloadEntry[] {
  const results = report.kind === "RestartReport" ? report.results : [];
  return withoutUndone(report.workloads.filter(needsPerson), results);
}

/** More names than these are folded. */
const MOST_NAMES = 8;

function pathList(entries: readonly WorkloadEntry[]): Content {
  const paths = entries.map((entry) => html`<span class="path">${workloadPath(entry)}</span> `);
  const rest = paths.slice(MOST_NAMES);
  return [
    ...paths.slice(0, MOST_NAMES),
    rest.length === 0
      ? undefined
      : html`<details>
          <summary>and ${rest.length} more</summary>
          ${rest}
        </details>`,
  ];
}

/** Returns the workloads of `verify` whose pods are not ready. */
export function unreadySection(clusters: readonly ClusterOutcome[]): Content {
  const unready = ofClusters(clusters, (report) =>
    report.kind === "VerifyReport" ? report.workloads.filter(isUnready) : [],
  );
  return section(
    "not-ready",
    `Not ready: ${count(unready.length, "workload")}`,
    table(
      "Not ready",
      [...nameColumn(clusters), ...columns("Workload", "Ready", "Pod", "Why")],
      unready.map(({ cluster, item }) => {
        const { ready, pods } = readiness(item);
        const { pod = "", message = "" } = item.unready ?? {};
        return [...named(clusters, cluster), workloadPath(item), `${ready}/${pods}`, pod, message];
      }),
    ),
  );
}

/** Returns the installed revisions that matter here, and the images that they inject. */
export function targetSection(clusters: readonly ClusterOutcome[]): Content {
  const targets = ofClusters(clusters, (report) => report.targets);
  return section(
    "targets",
    "Targets",
    table(
      "Targets",
      [...nameColumn(clusters), ...columns("Revision", "Image", "Tags", "Ready", "Since")],
      targets.map(({ cluster, item: { revision, image, tags, ready, since } }) => [
        ...named(clusters, cluster),
        revision,
        image ?? "unknown",
        tags.join(", "),
        readyMarkup(ready),
        since === null ? "" : timeMarkup(since),
      ]),
    ),
  );
}

/** Returns the other changes that restarts bring, if they were asked for. */
export function driftSection(clusters: readonly ClusterOutcome[]): readonly Content[] {
  return clusters.map(({ name, report }, index) => {
    if (report === undefined) return undefined;
    const groups = driftGroups(report);
    const place = clusters.length > 1 ? ` in ${name}` : "";
    return section(
      `drift-${index}`,
      `${driftTitle(report)}: ${driftingText(groups)}${place}`,
      table(
        driftTitle(report),
        columns("What", "Path", "From", "To", "Workloads"),
        groups.map((group) => [
          group.what,
          html`<code>${group.path}</code>`,
          group.from ?? "",
          group.to ?? "",
          exampleText(group),
        ]),
      ),
    );
  });
}

/** Returns the warnings, which prevent nothing. */
export function warningSection(clusters: readonly ClusterOutcome[]): Content {
  const warnings = ofClusters(clusters, ({ workloads }) => warningGroups(workloads));
  return section(
    "warnings",
    `Warnings: ${warnings.length}`,
    table(
      "Warnings",
      [...nameColumn(clusters), ...columns("Warning", "Workloads")],
      warnings.map(({ cluster, item: { message, workloads } }) => [
        ...named(clusters, cluster),
        message,
        workloads,
      ]),
    ),
  );
}

/** Returns the remarks of a document about one cluster. */
export function noteTable(notes: readonly string[], place: Place = ALONE): Content {
  if (notes.length === 0) return undefined;
  const items = notes.map((note) => html`<li>${stepMarkup(note)}</li>`);
  const list = html`<ul class="notes">
    ${items}
  </ul>`;
  return section(`${place.id}notes`, html`Notes${place.title}`, list);
}

/** Returns the remarks about the reports as a whole. */
export function noteSection(clusters: readonly ClusterOutcome[]): Content {
  const notes = ofClusters(clusters, (report) => report.notes);
  if (notes.length === 0) return undefined;
  const items = notes.map(
    ({ cluster, item }) => html`<li>${nameBefore(clusters, cluster)}${stepMarkup(item)}</li>`,
  );
  return section(
    "notes",
    "Notes",
    html`<ul class="notes">
      ${items}
    </ul>`,
  );
}

/** Formats the readiness of a control plane. */
export function readyMarkup(ready: boolean | null): Content {
  if (ready === null) return "unknown";
  return ready ? "yes" : html`<b class="bad">no</b>`;
}

/** Formats a time: `2026-11-22 20:00:00`. */
export function timeMarkup(time: string): Markup {
  return html`<time datetime="${time}">${time.slice(0, 19).replace("T", " ")}</time>`;
}

export function columns(...names: readonly string[]): readonly Column[] {
  return names.map((name) => ({ name }));
}

function nameColumn(clusters: readonly ClusterOutcome[]): readonly Column[] {
  return clusters.length > 1 ? [{ name: "Cluster" }] : [];
}

function named(clusters: readonly ClusterOutcome[], name: string): readonly Content[] {
  return clusters.length > 1 ? [name] : [];
}

function nameBefore(clusters: readonly ClusterOutcome[], name: string): Content {
  return clusters.length > 1 ? html`<b>${name}</b> ` : undefined;
}
