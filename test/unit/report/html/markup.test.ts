import { describe, expect, test } from "vitest";
import { command, html, stepMarkup, textOf } from "../../../../src/report/html/markup.ts";

describe("a template", () => {
  test.each<[what: string, value: string, shown: string]>([
    ["a tag", "<b>&</b>", "&lt;b&gt;&amp;&lt;/b&gt;"],
    ["the end of an attribute", `" onload='x'`, "&quot; onload=&#39;x&#39;"],
    ["a reversed text direction", "web\u202egnp.exe", "webgnp.exe"],
    ["a line break", "a\nb", "a b"],
  ])("shows %s as text", (_what, value, shown) => {
    expect(textOf(html`<p title="${value}">${value}</p>`)).toBe(`<p title="${shown}">${shown}</p>`);
  });

  test("keeps templates in it, and joins lists", () => {
    expect(textOf(html`<p>${[html`<b>${"<"}</b>`, 3, undefined, "x"]}</p>`)).toBe(
      "<p><b>&lt;</b>3x</p>",
    );
  });

  test("does not take an object with a similar field for a template", () => {
    const forged = [JSON.parse('{"markup":"<b>"}')] as unknown as string;
    expect(() => textOf(html`${forged}`)).toThrow("not a function");
  });
});

test("a long text is cut, but a command never is", () => {
  const long = "x".repeat(10_000);
  expect(textOf(html`${long}`).length).toBeLessThan(5000);
  expect(textOf(command(long))).toContain(long);
});

test("the prose of a next step keeps the space before its command", () => {
  expect(textOf(stepMarkup("see its events: kubectl describe pod/a; then wait"))).toBe(
    'see its events: <code class="command">kubectl describe pod/a</code>; then wait',
  );
});
