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
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReportFile } from "../../../src/commands/report-file.ts";
import { UsageError } from "../../../src/errors.ts";
import { checkReport } from "../../support/build/report.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-report-file-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const DOCUMENT = checkReport();
const TEXT = `${JSON.stringify(DOCUMENT, undefined, 2)}\n`;

test("the file is replaced as a whole, and nothing else is left", async () => {
  const file = join(folder, "report.json");
  writeFileSync(file, "what was there before");
  const before = statSync(file).ino;
  const opened = await createReportFile(file);
  expect(readFileSync(file, "utf8")).toBe("what was there before");
  await opened.write(DOCUMENT);
  expect([readFileSync(file, "utf8"), readdirSync(folder)]).toEqual([TEXT, ["report.json"]]);
  // Written in place, it would be half a document for a while.
  expect(statSync(file).ino).not.toBe(before);
});

test("a link stays one, and what it leads to is written", async () => {
  const [file, link] = [join(folder, "report.json"), join(folder, "latest.json")];
  writeFileSync(file, "");
  symlinkSync(file, link);
  await (await createReportFile(link)).write(DOCUMENT);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, "utf8")).toBe(TEXT);
});

test("a device is written to, not replaced", async () => {
  await (await createReportFile("/dev/null")).write(DOCUMENT);
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
});

test("a folder is none, and that is found out beforehand", async () => {
  const place = join(folder, "reports");
  mkdirSync(place);
  await expect(createReportFile(place)).rejects.toThrow(
    new UsageError(
      `--report-file "${place}" cannot be written: EISDIR`,
      "choose a file in an existing folder that you may write to",
    ),
  );
});
