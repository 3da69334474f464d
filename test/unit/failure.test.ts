import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CannotRun } from "../../src/errors.ts";
import { reportFailure } from "../../src/failure.ts";
import { renderHtml } from "../../src/report/html/document-page.ts";
import { restartReport } from "../support/build/report.ts";
import { pageHeadline, parsePage, shownText } from "../support/html-page.ts";
import { recordedIo } from "../support/build/recorded-io.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-failure-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("after a failure, the report file has", () => {
  const bug = new TypeError("x is not a function");
  const unreachable = new CannotRun("no answer", "try again", { code: "unreachable" });
  const output = new CannotRun("disk full", "make room", { code: "output" });
  const finished = JSON.stringify({ kind: "RestartReport", exitReasons: ["outdated:2"] });
  const unfinished = JSON.stringify({ kind: "RestartReport", exitReasons: ["unfinished:2"] });

  test.each<[what: string, before: string, error: Error, kind: string]>([
    ["the error instead of a report of an earlier run", finished, unreachable, "Error"],
    ["the error instead of what is no report", "{", bug, "Error"],
    ["the error if it is a bug", finished, bug, "Error"],
    ["the record of the restarts before a bug", unfinished, bug, "RestartReport"],
    ["the error if no restart began", unfinished, unreachable, "Error"],
    ["the report if only the output failed", finished, output, "RestartReport"],
  ])("%s", async (_what, before, error, kind) => {
    const file = join(folder, "report.json");
    writeFileSync(file, before);
    const argv = ["restart", "--context", "prod", `--report-file=${file}`];
    // No time passes while the file is written.
    const sleep = () => new Promise<void>(() => undefined);
    await reportFailure(error, argv, { ...recordedIo(), sleep });
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ kind });
  });

  test.each<[what: string, reasons: readonly string[], error: Error, text: string]>([
    ["the error on its page", ["outdated:2"], unreachable, "The command failed"],
    ["the error on its page if it is a bug", ["outdated:2"], bug, "The command failed"],
    ["the page of the restarts before a bug", ["unfinished:2"], bug, "In progress"],
  ])("%s", async (_what, exitReasons, error, text) => {
    const file = join(folder, "report.html");
    const page = [...renderHtml({ ...restartReport([]), exitReasons })].join("");
    writeFileSync(file, page);
    const sleep = () => new Promise<void>(() => undefined);
    await reportFailure(error, ["restart", "--report-file", file], { ...recordedIo(), sleep });
    expect(pageHeadline(parsePage(readFileSync(file, "utf8"))).text).toMatch(text);
  });

  test("nothing, and the error is still printed, if the file cannot be written", async () => {
    const io = recordedIo();
    const file = join(folder, "missing", "report.json");
    expect(await reportFailure(unreachable, ["check", "--report-file", file], io)).toBe(1);
    expect(io.written.stderr).toContain("error: no answer\ntry again\n");
  });
});

test("with --output html, a failure is a page", async () => {
  const io = recordedIo();
  const error = new CannotRun("no <answer>", "log in: az login", { code: "unreachable" });
  expect(await reportFailure(error, ["check", "--context", "prod", "-o", "html"], io)).toBe(1);
  const page = parsePage(io.written.stdout);
  expect(pageHeadline(page)).toEqual({ tone: "incomplete", text: "The command failed" });
  expect(shownText(page)).toContain("no <answer>");
  expect(io.written.stderr).toMatch(/^RESULT exit=1 cluster=prod error=unreachable$/m);
});
