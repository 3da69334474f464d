import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createReportFile, createReportFiles } from "../../../src/commands/report-file.ts";
import { UsageError } from "../../../src/errors.ts";
import { checkReport } from "../../support/build/report.ts";
import { pageHeadline, parsePage } from "../../support/html-page.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-report-file-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const DOCUMENT = checkReport();
const LATER = { ...DOCUMENT, generatedAt: "2026-11-22T21:00:00.000Z" };
const textOf = (document: object) => `${JSON.stringify(document, undefined, 2)}\n`;
const TEXT = textOf(DOCUMENT);

/** An Io whose clock is faster than the real one. */
const ioWith = (speed: number) => ({
  sleep: async (milliseconds: number, signal?: AbortSignal) => {
    const options = signal ? { signal } : {};
    await delay(milliseconds / speed, undefined, options).catch(() => undefined);
  },
  endSoon: () => undefined,
  now: () => new Date("2026-11-22T20:30:00.000Z"),
});
const io = ioWith(1);

test("the file is replaced as a whole, and nothing else is left", async () => {
  const file = join(folder, "report.json");
  writeFileSync(file, "what was there before");
  const before = statSync(file).ino;
  const opened = await createReportFile(file, io);
  expect(readFileSync(file, "utf8")).toBe("what was there before");
  await opened.write(DOCUMENT);
  expect([readFileSync(file, "utf8"), readdirSync(folder)]).toEqual([TEXT, ["report.json"]]);
  // Written in place, it would be half a document for a while.
  expect(statSync(file).ino).not.toBe(before);
});

test.each(["report.html", "REPORT.HTML"])("%s gets the document as a page", async (name) => {
  const file = join(folder, name);
  const opened = await createReportFile(file, io);
  await opened.write(DOCUMENT);
  expect(pageHeadline(parsePage(readFileSync(file, "utf8"))).tone).toBe("neutral");
});

test("each of several files gets the document in the format of its name", async () => {
  const names = ["report.json", "report.html", "report.prom"];
  const [json = "", page = "", metrics = ""] = names.map((name) => join(folder, name));
  const opened = await createReportFiles([json, page, metrics], io);
  await opened.write(DOCUMENT);
  expect(readFileSync(json, "utf8")).toBe(TEXT);
  expect(pageHeadline(parsePage(readFileSync(page, "utf8"))).tone).toBe("neutral");
  expect(readFileSync(metrics, "utf8")).toContain(
    'istio_upgrade_report_complete{cluster="prod"} 1',
  );
  opened.update(LATER, () => expect.unreachable());
  await opened.write(LATER);
  expect(readFileSync(json, "utf8")).toBe(textOf(LATER));
});

test("a file that can no longer be written is an error, and the others are written", async () => {
  const gone = join(folder, "gone");
  mkdirSync(gone);
  const files = [join(gone, "report.json"), join(folder, "report.json")];
  const opened = await createReportFiles(files, io);
  rmSync(gone, { recursive: true });
  await expect(opened.write(DOCUMENT)).rejects.toThrow(`could not be written to "${gone}`);
  expect(readFileSync(join(folder, "report.json"), "utf8")).toBe(TEXT);
});

test("without a file, nothing is written", async () => {
  const opened = await createReportFiles([], io);
  await opened.begin(DOCUMENT);
  await opened.write(DOCUMENT);
  expect(readdirSync(folder)).toEqual([]);
});

test("the metrics of a cluster that could not be read have the time of the run", async () => {
  const file = join(folder, "report.prom");
  await (
    await createReportFile(file, io)
  ).write({
    apiVersion: "istio-upgrade/v1",
    kind: "Error",
    cluster: { context: "prod" },
    code: "unreachable",
    message: "the API server does not answer",
    hint: "try again",
    exitCode: 1,
  });
  const text = readFileSync(file, "utf8");
  expect(text).toContain('istio_upgrade_report_complete{cluster="prod"} 0');
  expect(text).toContain('istio_upgrade_last_run_timestamp_seconds{cluster="prod"} 1795379400');
});

test("a file whose name has html elsewhere gets JSON", async () => {
  const file = join(folder, "report.html.json");
  await (await createReportFile(file, io)).write(DOCUMENT);
  expect(readFileSync(file, "utf8")).toBe(TEXT);
});

test("a link stays one, and what it leads to is written", async () => {
  const [file, link] = [join(folder, "report.json"), join(folder, "latest.json")];
  writeFileSync(file, "");
  symlinkSync(file, link);
  await (await createReportFile(link, io)).write(DOCUMENT);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(TEXT);
});

test("a device is written to, not replaced", async () => {
  await (await createReportFile("/dev/null", io)).write(DOCUMENT);
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
});

test("a folder is none, and that is found out beforehand", async () => {
  const place = join(folder, "reports");
  mkdirSync(place);
  await expect(createReportFile(place, io)).rejects.toThrow(
    new UsageError(
      `--report-file "${place}" cannot be written: EISDIR`,
      "choose a file in an existing folder that you may write to",
    ),
  );
});

test("a file keeps its mode", async () => {
  const file = join(folder, "report.json");
  writeFileSync(file, "", { mode: 0o600 });
  await (await createReportFile(file, io)).write(DOCUMENT);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a link to a missing file stays one, and the file is created", async () => {
  const [file, link] = [join(folder, "report.json"), join(folder, "latest.json")];
  symlinkSync("report.json", link);
  await (await createReportFile(link, io)).write(DOCUMENT);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(TEXT);
});

test("links in a circle are none, and that is found out beforehand", async () => {
  const link = join(folder, "loop.json");
  symlinkSync(link, link);
  await expect(createReportFile(link, io)).rejects.toThrow("cannot be written: ELOOP");
});

test("a name may be as long as the file system allows", async () => {
  const file = join(folder, `${"r".repeat(250)}.json`);
  await (await createReportFile(file, io)).write(DOCUMENT);
  expect(readFileSync(file, "utf8")).toBe(TEXT);
});

describe("of several documents", () => {
  test("the last one stays, however many are on their way", async () => {
    const file = join(folder, "report.json");
    const opened = await createReportFile(file, io);
    await opened.begin(LATER);
    expect(readFileSync(file, "utf8")).toBe(textOf(LATER));
    for (let count = 0; count < 20; count++) opened.update(LATER, expect.unreachable);
    await opened.write(DOCUMENT);
    await delay(50);
    expect([readFileSync(file, "utf8"), readdirSync(folder)]).toEqual([TEXT, ["report.json"]]);
  });

  test("one that cannot be written is reported, and nobody waits for it", async () => {
    const place = join(folder, "place");
    mkdirSync(place);
    const opened = await createReportFile(join(place, "report.json"), io);
    rmSync(place, { recursive: true });
    const message = await new Promise((resolve) => opened.update(DOCUMENT, resolve));
    expect(message).toMatch(/^the report could not be written to ".*": ENOENT$/);
  });
});

describe("a pipe", () => {
  const createPipe = () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    return pipe;
  };

  test("gets the last document only, whole, from a slow reader's point of view", async () => {
    const pipe = createPipe();
    const opened = await createReportFile(pipe, io);
    const notes = Array.from({ length: 20_000 }, () => "more than a pipe takes at a time");
    const large = { ...DOCUMENT, notes };
    await opened.begin(LATER);
    opened.update(LATER, expect.unreachable);
    const reader = createReadStream(pipe, { encoding: "utf8" });
    let text = "";
    reader.on("data", (chunk) => (text += String(chunk)));
    await Promise.all([opened.write(large), once(reader, "close")]);
    expect(text).toBe(textOf(large));
  });

  test.each([
    ["ten seconds", false, 500, 10_000],
    ["one second after a signal", true, 50, 450],
  ])("that nobody reads is given up after %s", async (_when, hurried, least, most) => {
    const opened = await createReportFile(createPipe(), ioWith(20));
    if (hurried) opened.hurry();
    const start = Date.now();
    await expect(opened.write(DOCUMENT)).rejects.toMatchObject({
      message: expect.stringMatching(/^the report could not be written to ".*": ETIMEDOUT$/),
      code: "output",
    });
    const took = Date.now() - start;
    expect(took).toBeGreaterThanOrEqual(least - 2);
    expect(took).toBeLessThan(most);
  });
});
