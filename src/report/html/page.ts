import { createHash } from "node:crypto";
import { EXIT_REASONS_TAG } from "../page-file.ts";
import type { Headline, Tone } from "./headline.ts";
import { type Content, html, raw, textOf } from "./markup.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** The content of a page. */
export interface Page {
  /** The subject, such as `Istio sidecars of prod`. */
  readonly title: string;
  readonly headline: Headline;
  /** A picture of the headline. */
  readonly picture?: Content;
  /** The rows of the table of facts: names and values. */
  readonly facts: readonly (readonly [name: string, value: Content])[];
  readonly exitReasons: readonly string[];
  readonly version: string | undefined;
  readonly sections: Iterable<Content>;
}

/** Words for those who do not see the color of a headline. */
const TONE_WORDS: Readonly<Record<Tone, string>> = {
  good: "All is well",
  neutral: "For your information",
  warning: "Something is left to do",
  bad: "Urgent",
  incomplete: "Incomplete",
};

/**
 * Returns a page as one file, in pieces. Its policy lets a browser load nothing, and run only the script
 * of this program.
 */
export function* renderPage(page: Page): Generator<string> {
  const { title, headline, picture, facts, exitReasons, version, sections } = page;
  const { tone, text, details } = headline;
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    `script-src ${hashOf(SCRIPT)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  yield textOf(
    html`<!DOCTYPE html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta http-equiv="Content-Security-Policy" content="${policy}" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex" />
          <meta name="${EXIT_REASONS_TAG}" content="${exitReasons.join(" ")}" />
          <title>${text} - ${title}</title>
          ${raw(`<style>${STYLE}</style>`)}
        </head>
        <body>
          <header>
            <h1>${title}</h1>
            <dl class="facts">
              ${facts.map(
                ([name, value]) =>
                  html`<div>
                    <dt>${name}</dt>
                    <dd>${value}</dd>
                  </div>`,
              )}
            </dl>
          </header>
          <main>
            <section class="headline ${tone}" aria-label="Result">
              <p class="tone">${TONE_WORDS[tone]}</p>
              <p class="text">${text}</p>
              ${
                details.length === 0
                  ? undefined
                  : html`<ul>
                      ${details.map((detail) => html`<li>${detail}</li>`)}
                    </ul>`
              }
              ${picture}
            </section>
       `,
  );
  for (const content of sections) yield textOf(html`${content}`);
  yield textOf(
    html`</main>
<footer><p>Made by istio-upgrade${version === undefined ? undefined : html` ${version}`}. Times are in UTC.</p></footer>
${raw(`<script>${SCRIPT}</script>`)}
</body>
</html>
`,
  );
}

/** Returns the source of a script or a style in a Content Security Policy. */
function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
