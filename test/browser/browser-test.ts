import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { test as base } from "vitest";
import type { AnyDocument, ErrorDocument } from "../../src/report/document.ts";
import { renderHtml } from "../../src/report/html/document-page.ts";
import type { Chromium } from "./chromium.ts";

/** An opened page, and what its browser noticed. */
export interface OpenedPage {
  readonly page: Page;
  /** Messages on the console, errors of scripts, dialogs, and requests except that for the page. */
  readonly noticed: readonly string[];
}

interface Fixtures {
  readonly browser: Browser;
  /** Opens the page of a document in a context of its own. */
  readonly open: (
    document: AnyDocument | ErrorDocument,
    options?: BrowserContextOptions,
  ) => Promise<OpenedPage>;
}

export const DESKTOP = { viewport: { width: 1280, height: 900 } };
export const PHONE = { viewport: { width: 390, height: 844 } };

export const test = base.extend<Fixtures>({
  browser: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixture names from the pattern
    async ({}, use) => {
      const settings = process.env["TEST_CHROMIUM"];
      if (settings === undefined) throw new Error("Run these tests with `npm run test:browser`.");
      const { executable, env } = JSON.parse(settings) as Chromium;
      const browser = await chromium.launch({
        executablePath: executable,
        env: { ...(process.env as Record<string, string>), ...env },
      });
      await use(browser);
      await browser.close();
    },
    { scope: "file" },
  ],
  open: async ({ browser }, use) => {
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-browser-"));
    const file = join(folder, "report.html");
    await use(async (document, options = DESKTOP) => {
      writeFileSync(file, [...renderHtml(document)].join(""));
      const url = pathToFileURL(file).href;
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const noticed: string[] = [];
      page.on("console", (message) => noticed.push(message.text()));
      page.on("pageerror", (error) => noticed.push(String(error)));
      page.on("dialog", (dialog) => {
        noticed.push(dialog.message());
        void dialog.dismiss();
      });
      page.on("request", (request) => {
        if (request.url() !== url) noticed.push(request.url());
      });
      await page.goto(url);
      return { page, noticed };
    });
    await Promise.all(browser.contexts().map((context) => context.close()));
    rmSync(folder, { recursive: true });
  },
});

/** Returns the violations of the rules of axe, with the elements that they are about. */
export async function violationsOn(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>("axe.run()");
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** True if a page is wider than its window. */
export function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
  );
}
