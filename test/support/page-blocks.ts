/** Returns the fenced blocks of a page in Markdown that are in one language, without their fences. */
export function fencedBlocks(page: string, language: string): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms");
  return [...page.matchAll(fence)].map(([, content = ""]) => content);
}

/** Returns the commands that a reader types: the lines after a prompt, continued lines joined. */
export function typedCommands(page: string): readonly string[] {
  return fencedBlocks(page, "console").flatMap((block) =>
    [...block.replaceAll("\\\n", " ").matchAll(/^\$ (.*)$/gm)].map(([, line = ""]) => line),
  );
}

/**
 * Returns the part of a page from a heading, such as `## Usage`, to the next one of the same or a higher
 * level. Throws if the page has no such heading.
 */
export function sectionOf(page: string, heading: string): string {
  const [, content] = page.split(`\n${heading}\n`);
  if (content === undefined) throw new Error(`the page has no heading ${heading}`);
  const level = heading.indexOf(" ");
  return content.split(new RegExp(`^#{1,${level}} `, "m"))[0] ?? "";
}
