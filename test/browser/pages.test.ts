import { describe, expect } from "vitest";
import type { AnyDocument, ErrorDocument } from "../../src/report/document.ts";
import { DOCUMENTS } from "../support/build/documents.ts";
import { ATTACKS, hostileDocument } from "../support/build/hostile.ts";
import { DESKTOP, isTooWide, PHONE, test, violationsOn } from "./browser-test.ts";

const long = hostileDocument(DOCUMENTS["a restart in waves"] as AnyDocument, ["n".repeat(253)]);
const PAGES: readonly (readonly [what: string, document: AnyDocument | ErrorDocument])[] = [
  ...Object.entries(DOCUMENTS),
  [
    "a check with hostile texts",
    hostileDocument(DOCUMENTS["a check"] as AnyDocument, Object.values(ATTACKS)),
  ],
  ["a restart with long names", long],
];

describe.each(PAGES)("the page of %s", (_what, document) => {
  test.for([
    ["at 1280 pixels", DESKTOP],
    ["at 1280 pixels, dark", { ...DESKTOP, colorScheme: "dark" as const }],
    ["at 390 pixels", PHONE],
  ] as const)("is accessible %s", async ([, options], { open }) => {
    const { page } = await open(document, options);
    expect(await violationsOn(page)).toEqual([]);
  });

  test("is as wide as the window, or the paper", async ({ open }) => {
    const { page } = await open(document);
    const widths = [1280, 1151, 1150, 1001, 1000, 390];
    const tooWide: number[] = [];
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      if (await isTooWide(page)) tooWide.push(width);
    }
    await page.emulateMedia({ media: "print" });
    await page.setViewportSize({ width: 794, height: 1123 });
    if (await isTooWide(page)) tooWide.push(794);
    expect(tooWide).toEqual([]);
  });

  test("loads nothing else, and the browser has nothing against it", async ({ open }) => {
    const { page, noticed } = await open(document);
    await page.waitForLoadState("networkidle");
    expect(noticed).toEqual([]);
  });
});

test("no text from a cluster runs as a script", async ({ open }) => {
  const attacks = [
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "' onmouseover='document.title = 1' x='",
    "</title><script>document.title = 'owned'</script>",
    "</option></select><svg onload=\"document.title = 'owned'\">",
  ];
  for (const document of Object.values(DOCUMENTS)) {
    const { page, noticed } = await open(hostileDocument(document, attacks));
    expect(await page.title()).not.toMatch(/^(?:owned|1)$/);
    expect(await page.locator("img, body svg[onload], script").count()).toBe(1);
    expect(noticed).toEqual([]);
  }
});
