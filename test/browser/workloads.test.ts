import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { aged, assessmentOf } from "../support/build/assessment.ts";
import { CHECK } from "../support/build/documents.ts";
import { proxyImage, sidecars } from "../support/build/pod-group.ts";
import { checkReport } from "../support/build/report.ts";
import { deployment } from "../support/build/workload.ts";
import { DESKTOP, test } from "./browser-test.ts";

/** The names of the workloads that the page shows. */
async function shown(page: Page): Promise<readonly string[]> {
  const names = await page.locator("#workload-rows tbody tr:visible th").allTextContents();
  return names.map((name) => name.trim());
}

function namespaceChoice(page: Page) {
  return page.getByRole("combobox", { name: "Namespace" });
}

const ALL = ["sts/ledger", "deploy/cache", "pod/single", "deploy/web", "deploy/new", "deploy/api"];

describe("the table of workloads", () => {
  test("shows all workloads without JavaScript, and no controls", async ({ open }) => {
    const { page } = await open(CHECK, { ...DESKTOP, javaScriptEnabled: false });
    expect(await page.locator("#workload-rows tbody tr:visible").count()).toBe(ALL.length);
    expect(await page.locator("#filter").isVisible()).toBe(false);
    expect(await page.locator("thead button").count()).toBe(0);
  });

  test("is filtered by words, by a verdict and by a namespace", async ({ open }) => {
    const { page } = await open(CHECK);
    const status = page.getByRole("status");
    expect(await shown(page)).toEqual(ALL);
    expect(await status.textContent()).toBe("6 of 6 shown");

    await page.getByLabel("Search").fill("SHOP deploy/");
    expect(await shown(page)).toEqual(["deploy/cache", "deploy/web", "deploy/api"]);
    await page.getByRole("combobox", { name: "Verdict" }).selectOption("outdated");
    expect(await shown(page)).toEqual(["deploy/web"]);
    expect(await status.textContent()).toBe("1 of 6 shown");
    await namespaceChoice(page).selectOption("pay");
    expect(await shown(page)).toEqual([]);
    expect(await status.textContent()).toBe("0 of 6 shown");
    await page.getByRole("button", { name: "Clear" }).click();
    await expect.poll(() => shown(page)).toEqual(ALL);
  });

  test("shows one namespace after a click on its name", async ({ open }) => {
    const { page } = await open(CHECK);
    await page.getByRole("link", { name: "pay" }).click();
    expect(await shown(page)).toEqual(["sts/ledger", "deploy/new"]);
    expect(await namespaceChoice(page).inputValue()).toBe("pay");
  });

  test("is sorted with the keyboard, in both directions", async ({ open }) => {
    const { page } = await open(CHECK);
    const button = page.getByRole("button", { name: "Workload" });
    await button.focus();
    await page.keyboard.press("Enter");
    expect(await shown(page)).toEqual(ALL.toSorted());
    await page.keyboard.press("Space");
    expect(await shown(page)).toEqual(ALL.toSorted().toReversed());
    const sorted = page.locator("thead th[aria-sort]");
    expect(await sorted.getAttribute("aria-sort")).toBe("descending");
    expect(await sorted.count()).toBe(1);
  });

  test("sorts ages as times, with unknown ages last", async ({ open }) => {
    const ages = [9 * 86_400, undefined, 30, 10 * 86_400];
    const assessments = ages.map((atLeast, index) => {
      const pods = [sidecars(1, proxyImage("v1.27.7-1"))];
      return aged(assessmentOf(deployment(`w-${index}`, { pods })), {
        atLeast,
        atMost: undefined,
      });
    });
    const { page } = await open(checkReport({ assessments, exitCode: 2 }));
    await page.getByRole("button", { name: "Outdated for" }).click();
    expect(await shown(page)).toEqual(["deploy/w-2", "deploy/w-0", "deploy/w-3", "deploy/w-1"]);
  });

  test("keeps its filter and its order together", async ({ open }) => {
    const { page } = await open(CHECK);
    await page.getByLabel("Search").fill("shop");
    await page.getByRole("button", { name: "Workload" }).click();
    expect(await shown(page)).toEqual(["deploy/api", "deploy/cache", "deploy/web", "pod/single"]);
  });

  test("of 2,000 workloads is small enough to open and filter at once", async ({ open }) => {
    const images = ["v1.27.7-1", "v1.27.9-6"].map(proxyImage);
    const assessments = Array.from({ length: 2000 }, (_, index) => {
      const pods = [sidecars(3, images[index % 2] ?? "")];
      return assessmentOf(deployment(`w-${index}`, { namespace: `n-${index % 100}`, pods }));
    });
    const { page } = await open(checkReport({ assessments, exitCode: 2 }));
    // The size decides the time, and does not depend on the machine.
    expect((await page.content()).length).toBeLessThan(2_000_000);
    expect(await page.locator("*").count()).toBeLessThan(40_000);
    await page.getByLabel("Search").fill("w-1999");
    expect(await shown(page)).toEqual(["deploy/w-1999"]);
    const timing = await page.evaluate<number>(
      "performance.getEntriesByType('navigation')[0].loadEventEnd",
    );
    process.stdout.write(`test:browser: 2,000 workloads opened in ${Math.round(timing)} ms\n`);
  });
});
