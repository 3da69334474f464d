/**
 * The style of all pages: light, dark and for paper, for screens of 390 pixels or more. The color of a
 * verdict or a phase only repeats the words beside it.
 */
export const STYLE = `
:root {
  --page: #f6f7f9; --card: #ffffff; --line: #dfe3e8; --text: #1b2430; --muted: #56616f;
  --link: #0b5cad; --code: #eef1f5; --shade: #f1f3f6; --track: #e6eaef;
  --good: #2c8a57; --warning: #d28a13; --missing: #7a63c0; --blocked: #a3423c; --bad: #cf2f3a;
  --unknown: #c2348f; --left: #9aa5b1; --start: #b7c3d1; --ready: #6d9fd8; --gate: #7a63c0;
  --good-text: #17633a; --warning-text: #7d4e00; --missing-text: #54409a; --blocked-text: #8a302b;
  --bad-text: #a91f29; --unknown-text: #932269; --left-text: #4d5865; --start-text: #4d5865;
  --good-back: #e4f4eb; --warning-back: #fdf1dc; --missing-back: #eeeafa; --blocked-back: #f9e7e6;
  --bad-back: #fde8e9; --unknown-back: #fae5f2; --left-back: #edf0f3;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1a2028; --line: #323b47; --text: #e4e8ed; --muted: #a3aebb;
    --link: #7db8f5; --code: #252d38; --shade: #202731; --track: #2a323d;
    --good: #43b37a; --warning: #dfa23a; --missing: #9c86e6; --blocked: #d0726b; --bad: #ef5f68;
    --unknown: #e668b8; --left: #6f7b89; --start: #566373; --ready: #5f95d4; --gate: #9c86e6;
    --good-text: #7ddcaa; --warning-text: #f1c374; --missing-text: #c4b5fa; --blocked-text: #f0aaa5;
    --bad-text: #ff9aa0; --unknown-text: #f7a3d8; --left-text: #bcc5cf; --start-text: #bcc5cf;
    --good-back: #173527; --warning-back: #3b2d12; --missing-back: #2b2547; --blocked-back: #40221f;
    --bad-back: #391b1f; --unknown-back: #371a2f; --left-back: #2a323c;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
header, main, footer { max-width: 1280px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 24px; }
h1 { margin: 0 0 12px; font-size: 22px; line-height: 1.25; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 8px; font-size: 15px; line-height: 1.3; }
p, ul, ol, dl { margin: 0; }
a { color: var(--link); }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code.command { padding: 1px 5px; border-radius: 4px; background: var(--code); overflow-wrap: anywhere; user-select: all; }
code.line { display: block; overflow-wrap: anywhere; }
th, td, dd, li, code { unicode-bidi: isolate; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 28px; }
.facts div { min-width: 0; }
.facts dt { color: var(--muted); font-size: 12px; }
.facts dd { margin: 0; overflow-wrap: anywhere; }

section { margin: 16px 0; padding: 16px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
.overall { margin-top: 10px; }
.overall .bar { height: 20px; margin-bottom: 5px; }
.overall .count { font-size: 13px; }
.columns { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 0 16px; align-items: start; }
.headline { border-left: 6px solid var(--left); padding: 14px 18px; }
.headline .tone { color: var(--muted); font-size: 12px; }
.headline .text { font-size: 20px; font-weight: 650; line-height: 1.3; overflow-wrap: anywhere; }
.headline ul { margin-top: 6px; padding-left: 18px; }
.headline.good { border-color: var(--good); background: var(--good-back); }
.headline.warning { border-color: var(--warning); background: var(--warning-back); }
.headline.bad { border-color: var(--bad); background: var(--bad-back); }
.headline.incomplete { border-color: var(--unknown); background: var(--unknown-back); }
.headline.good .tone { color: var(--good-text); }
.headline.warning .tone { color: var(--warning-text); }
.headline.bad .tone { color: var(--bad-text); }
.headline.incomplete .tone { color: var(--unknown-text); }
section[id$="unread"] { border-color: var(--unknown); border-left-width: 6px; }
section[id$="unread"] h2 { color: var(--unknown-text); }
ul.plain { padding: 0; list-style: none; }
ul.plain li + li { margin-top: 6px; }
ul.notes { padding-left: 18px; }
ol.steps { padding-left: 22px; }
ol.steps li { margin: 4px 0; }
ol.steps li.current { font-weight: 600; }
.step + .step { margin-top: 4px; }

table { width: 100%; border-collapse: collapse; }
th, td { padding: 5px 8px; border-top: 1px solid var(--line); min-width: 6.5em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--muted); font-size: 12px; font-weight: 600; vertical-align: bottom; overflow-wrap: normal; }
tbody th { font-weight: 550; min-width: 9em; }
.timeline tbody th { min-width: 17em; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
td.number, th.number { min-width: 0; text-align: right; white-space: nowrap; }
tbody tr:hover > * { background: var(--shade); }
td.chart { width: 30%; min-width: 90px; }
td.chart .bar { margin-top: 3px; }
details summary { cursor: pointer; color: var(--link); padding: 4px 0; }
.bar { display: block; width: 100%; height: 14px; border-radius: 3px; background: var(--track); }
.path { display: inline-block; max-width: 100%; margin-right: 6px; }
b.bad { color: var(--bad-text); }

.chip, .change { display: inline-block; padding: 0 7px; border-radius: 10px; background: var(--left-back); color: var(--left-text); font-size: 12px; line-height: 18px; white-space: nowrap; }
.count { display: inline-block; margin-right: 8px; white-space: nowrap; font-size: 12px; }
.count::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 4px; border-radius: 2px; background: var(--left); }
rect { fill: var(--left); }
rect.v-current, rect.s-finishing, rect.o-done { fill: var(--good); }
rect.v-outdated, rect.s-unfinished, rect.o-late { fill: var(--warning); }
rect.v-missing { fill: var(--missing); }
rect.v-blocked { fill: var(--blocked); }
rect.v-would-lose, rect.v-old, rect.s-failed, rect.o-failed { fill: var(--bad); }
rect.v-unknown { fill: var(--unknown); }
rect.o-left { fill: var(--start); }
rect.s-starting { fill: var(--start); }
rect.s-becoming-ready, rect.s-soak { fill: var(--ready); }
rect.s-gate { fill: var(--gate); }
.count.v-current::before, .count.s-finishing::before, .count.o-done::before { background: var(--good); }
.count.v-outdated::before, .count.s-unfinished::before, .count.o-late::before { background: var(--warning); }
.count.v-missing::before { background: var(--missing); }
.count.v-blocked::before { background: var(--blocked); }
.count.v-would-lose::before, .count.s-failed::before, .count.o-failed::before { background: var(--bad); }
.count.v-unknown::before { background: var(--unknown); }
.count.o-left::before, .count.s-starting::before { background: var(--start); }
.count.s-becoming-ready::before, .count.s-soak::before { background: var(--ready); }
.count.s-gate::before { background: var(--gate); }
.chip.v-current, .chip.o-restarted, .chip.o-replaced, .chip.o-waited, .chip.done { background: var(--good-back); color: var(--good-text); }
.chip.v-outdated, .chip.by-hand, .chip.o-timed-out, .chip.o-still-rolling, .chip.o-not-started, .chip.current { background: var(--warning-back); color: var(--warning-text); }
.chip.v-missing { background: var(--missing-back); color: var(--missing-text); }
.chip.v-blocked { background: var(--blocked-back); color: var(--blocked-text); }
.chip.v-would-lose, .chip.o-failed, .change.downgrade { background: var(--bad-back); color: var(--bad-text); font-weight: 600; }
.chip.v-unknown { background: var(--unknown-back); color: var(--unknown-text); font-weight: 600; }

#filter { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: end; margin: 4px 0 10px; }
#filter label { max-width: 100%; color: var(--muted); font-size: 12px; }
#filter input, #filter select, #filter button { display: block; max-width: 100%; padding: 5px 8px; border: 1px solid var(--muted); border-radius: 5px; background: var(--card); color: var(--text); font: inherit; font-size: 14px; }
#filter input { width: 240px; }
#filter select { max-width: 220px; }
#filter output { color: var(--muted); padding: 6px 0; }
thead button { padding: 0; border: 0; background: none; color: inherit; font: inherit; text-align: left; cursor: pointer; }
thead button::after { content: " \\2195"; opacity: 0.55; }
th[aria-sort="ascending"] button::after { content: " \\2191"; opacity: 1; }
th[aria-sort="descending"] button::after { content: " \\2193"; opacity: 1; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
thead button { white-space: nowrap; }
.age, .pods, .moment { min-width: 0; white-space: nowrap; }
.why { color: var(--muted); }
.label { display: block; color: var(--muted); font-size: 12px; }
.next { display: block; margin-top: 2px; color: var(--text); }
.unready { color: var(--bad-text); font-weight: 600; }
.unit { display: none; }
tr.wave th { padding-top: 12px; background: var(--card); font-size: 13px; }
tr.check th { font-weight: 400; }
.timeline td.chart { width: 34%; }
.axis { display: flex; justify-content: space-between; }
.legend { margin-top: 10px; color: var(--muted); }
.timeline .outcome { width: 26%; }
footer { padding: 8px 24px 32px; color: var(--muted); font-size: 12px; }

/* A browser skips the rows of a grid that nobody sees; the rows of a table, it lays out all. */
@media screen {
  #workload-rows, #workload-rows thead, #workload-rows tbody { display: block; }
  #workload-rows thead { position: sticky; top: 0; z-index: 1; background: var(--card); border-bottom: 1px solid var(--line); }
  #workload-rows tr { display: grid; column-gap: 16px; grid-template-columns: 2.4fr 1.5fr 1.2fr 1.1fr 1.6fr 0.8fr 1.2fr 3.4fr; }
  #workload-rows.fleet tr { grid-template-columns: 1.2fr 2.2fr 1.4fr 1.2fr 1.1fr 1.6fr 0.8fr 1.3fr 3fr; }
  #workload-rows tbody tr { border-top: 1px solid var(--line); }
  #workload-rows tbody tr:nth-child(n + 200) { content-visibility: auto; contain-intrinsic-size: auto 31px; }
  #workload-rows tbody tr:first-child { border-top: 0; }
  #workload-rows th, #workload-rows td { min-width: 0; padding: 5px 0; border: 0; }
}
@media screen and (max-width: 1150px), print {
  .columns { grid-template-columns: minmax(0, 1fr); }
}
@media screen and (max-width: 1000px) {
  header, main, footer { padding-left: 12px; padding-right: 12px; }
  section { padding: 12px; margin: 12px 0; }
  .headline .text { font-size: 18px; }
  table.cards, table.cards tbody, table.cards tr { display: block; }
  table.cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.cards tr { padding: 8px 0; border-top: 1px solid var(--line); }
  table.cards tbody tr:hover > * { background: none; }
  table.cards th, table.cards td { display: block; width: auto; min-width: 0; padding: 1px 0; border: 0; text-align: left; white-space: normal; }
  table.cards.timeline td { width: auto; }
  table.cards td.empty { display: none; }
  table.cards td[data-label]::before { content: attr(data-label) ": "; color: var(--muted); font-size: 12px; }
  table.cards td.number, table.cards td.moment { display: inline-block; margin-right: 14px; }
  table.cards td.chart::before, table.cards td.counts::before { content: none; }
  table.cards td.chart .bar { margin: 4px 0; }
  #workload-rows tbody tr, #workload-rows.fleet tbody tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 10px; }
  #workload-rows tbody tr:nth-child(n + 200) { contain-intrinsic-size: auto 80px; }
  #workload-rows th[scope="row"] { flex: 1 1 100%; font-size: 15px; }
  #workload-rows td.why { flex: 1 1 100%; }
  #workload-rows td.to::before { content: "to "; color: var(--muted); }
  .unit { display: inline; }
  #filter label, #filter input { width: 100%; }
  #filter select { width: 100%; max-width: none; }
}
@media print {
  :root { --page: #ffffff; --card: #ffffff; --text: #000000; --muted: #444444; color-scheme: light; }
  body { font-size: 10pt; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  #filter, thead button::after { display: none; }
  section { margin: 8pt 0; padding: 8pt; }
  section, tr { break-inside: avoid; }
  #workloads, #timeline { break-inside: auto; }
  thead { display: table-header-group; }
  td.from { min-width: 5em; }
  #workload-rows { font-size: 8.5pt; }
  th, td, tbody th, .timeline tbody th, td.chart { min-width: 0; }
  th, td { padding: 3pt 4pt; }
  code.command { padding: 0; background: none; }
  .bar, rect, .chip, .headline, .count::before { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
}
`;
