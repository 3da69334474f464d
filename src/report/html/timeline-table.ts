import { count } from "../../wording.ts";
import type { GateEntry, RestartReport, ResultEntry, SoakEntry, WaveEntry } from "../document.ts";
import { workloadPath } from "../events.ts";
import { bar } from "./bar.ts";
import { type Content, html, type Markup, stepMarkup } from "./markup.ts";
import { section } from "./table.ts";
import {
  type Axis,
  axisOf,
  type Span,
  spanOf,
  spansOf,
  type TimelineGroup,
  timelineGroups,
} from "./timeline.ts";

/** Returns the timeline of a run: its rollouts by wave, with the soak and the gate after each wave. */
export function timelineSection(report: RestartReport): Content {
  const groups = timelineGroups(report);
  if (report.dryRun !== null || groups.length === 0) return undefined;
  const axis = axisOf(report);
  const bounds =
    axis === undefined
      ? undefined
      : html`<span class="axis"
          ><span>${clock(axis.from)}</span><span>${clock(axis.to)}</span></span
        >`;
  return section(
    "timeline",
    report.waves.length > 0 ? `Timeline: ${count(report.waves.length, "wave")}` : "Timeline",
    html`<table class="timeline cards" aria-label="Timeline">
        <thead>
          <tr>
            <th scope="col">Workload</th>
            <th scope="col" class="chart"><span class="hidden">Time</span>${bounds}</th>
            ${["Started", "First pod", "Ready", "Ended", "Outcome"].map(
              (name) => html`<th scope="col">${name}</th>`,
            )}
          </tr>
        </thead>
        ${groups.map((group) => groupRows(report, group, axis))}
      </table>
      <p class="legend">
        ${LEGEND.map(([kind, text]) => html`<span class="count s-${kind}">${text}</span> `)}
      </p>`,
  );
}

const LEGEND: readonly (readonly [kind: Span["kind"], text: string])[] = [
  ["starting", "until the first new pod"],
  ["becoming-ready", "until all new pods were ready"],
  ["finishing", "until the rollout was done"],
  ["failed", "failed"],
  ["unfinished", "not finished"],
  ["soak", "soak"],
  ["gate", "gate"],
];

function groupRows(
  { waves, pace }: RestartReport,
  { wave, results }: TimelineGroup,
  axis: Axis | undefined,
): Markup {
  return html`<tbody>
    ${
      wave === undefined
        ? undefined
        : html`<tr class="wave">
            <th scope="rowgroup" colspan="7">${waveTitle(wave, waves.length)}</th>
          </tr> `
    }${results.map((result) => resultRow(result, axis))}${
      wave === undefined
        ? undefined
        : [
            wave.soak === null ? undefined : soakRow(wave.soak, axis),
            wave.gate === null ? notAsked(wave, pace?.gate) : gateRow(wave.gate, axis),
          ]
    }
  </tbody> `;
}

/** The outcomes of workloads that this run has brought on target, or waited for. */
const DONE: ReadonlySet<WaveEntry["workloads"][number]["outcome"]> = new Set([
  "restarted",
  "replaced",
  "waited",
]);

function waveTitle({ number, workloads, startedAt }: WaveEntry, of: number): string {
  const outcomes = workloads.map(({ outcome }) => outcome);
  const done = outcomes.filter((outcome) => DONE.has(outcome)).length;
  const before = outcomes.filter((outcome) => outcome === "current").length;
  const parts = [
    `${done} of ${count(workloads.length, "workload")} done`,
    ...(before === 0 ? [] : [`${before} on target before`]),
    ...(startedAt === null && done === 0 && before < workloads.length ? ["not started"] : []),
  ];
  return `Wave ${number} of ${of}: ${parts.join(", ")}`;
}

function resultRow(result: ResultEntry, axis: Axis | undefined): Markup {
  const { outcome, message, nextStep, startedAt, firstPodAt, readyAt, finishedAt } = result;
  return html`<tr>
    <th scope="row">${workloadPath(result)}</th>
    <td class="chart">${axis === undefined ? undefined : timeBar(spansOf(result, axis))}</td>
    ${cell("Started", startedAt === null ? "" : clockMarkup(startedAt))}${cell(
      "First pod",
      after(startedAt, firstPodAt),
    )}${cell("Ready", after(startedAt, readyAt))}${cell(
      "Ended",
      startedAt === null ? "" : after(startedAt, finishedAt),
    )}
    <td class="outcome">
      <span class="chip o-${outcome}">${outcome}</span>${
        outcome === "restarted" ? undefined : html` <span class="why">${message}</span>`
      }${nextStep === "" ? undefined : html` <span class="next">${stepMarkup(nextStep)}</span>`}
    </td>
  </tr> `;
}

function soakRow(soak: SoakEntry, axis: Axis | undefined): Markup {
  const { workload, message, nextStep } = soak;
  const text = workload === null ? message : `${workloadPath(workload)}: ${message}`;
  return checkRow("soak", "Soak", soak, axis, text, nextStep);
}

function gateRow(gate: GateEntry, axis: Axis | undefined): Markup {
  return checkRow("gate", `Gate ${gate.command}`, gate, axis, gate.message, "", gate.output);
}

function notAsked({ number }: WaveEntry, command: string | null | undefined): Content {
  if (command === null || command === undefined) return undefined;
  return html`<tr class="check">
    <th scope="row">Gate ${command}</th>
    <td class="chart"></td>
    <td class="empty"></td>
    <td class="empty"></td>
    <td class="empty"></td>
    <td class="empty"></td>
    <td class="outcome">not asked after wave ${number}</td>
  </tr> `;
}

function checkRow(
  kind: "soak" | "gate",
  name: string,
  {
    result,
    startedAt,
    finishedAt,
  }: Pick<SoakEntry | GateEntry, "result" | "startedAt" | "finishedAt">,
  axis: Axis | undefined,
  text: string,
  nextStep: string,
  output = "",
): Markup {
  const isPassed = result === "passed";
  const shown = isPassed || result === "stopped" ? kind : "failed";
  const spans =
    axis === undefined ? [] : [spanOf(shown, Date.parse(startedAt), Date.parse(finishedAt), axis)];
  const lines = output.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "");
  return html`<tr class="check">
    <th scope="row">${name}</th>
    <td class="chart">${timeBar(spans)}</td>
    ${cell("Started", clockMarkup(startedAt))}
    <td class="empty"></td>
    <td class="empty"></td>
    ${cell("Ended", after(startedAt, finishedAt))}
    <td class="outcome">
      <span class="chip ${isPassed ? "o-restarted" : "o-failed"}">${result}</span>
      <span class="why">${text}</span>${
        nextStep === "" ? undefined : html` <span class="next">${stepMarkup(nextStep)}</span>`
      }${
        lines.length === 0
          ? undefined
          : html`<details>
              <summary>Output</summary>
              ${lines.map((line) => html`<code class="line">${line}</code>`)}
            </details>`
      }
    </td>
  </tr> `;
}

function cell(name: string, content: Content): Markup {
  return content === ""
    ? html`<td class="empty"></td>`
    : html`<td class="moment" data-label="${name}">${content}</td>`;
}

function timeBar(spans: readonly Span[]): Markup {
  return bar(spans.map(({ kind, ...place }) => ({ kind: `s-${kind}`, ...place })));
}

function clock(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(11, 19);
}

function clockMarkup(time: string): Markup {
  return html`<time datetime="${time}">${time.slice(11, 19)}</time>`;
}

/** Formats the time since a start: `+3s`, `+2m 5s`. Empty if one of both is unknown. */
function after(startedAt: string | null, time: string | null): string {
  if (startedAt === null || time === null) return "";
  const seconds = Math.max(0, Math.round((Date.parse(time) - Date.parse(startedAt)) / 1000));
  const [hours, minutes, rest] = [
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  if (hours > 0) return `+${hours}h ${minutes}m`;
  return minutes > 0 ? `+${minutes}m ${rest}s` : `+${rest}s`;
}
