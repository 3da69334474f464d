import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { EXIT_MEANINGS, type ExitCode, exitCodeOf } from "../../src/exit-codes.ts";
import { DRIFT_KINDS } from "../../src/mesh/drift.ts";
import { VERDICTS } from "../../src/mesh/verdict.ts";
import { type Actions, buildProgram, addLocalCommands } from "../../src/program.ts";
import { NOTICE_REASONS } from "../../src/rollout/notices.ts";
import {
  commonSettings,
  explainSettings,
  INCLUDES,
  moveSettings,
  OUTPUTS,
  PROVES,
  restartSettings,
  revisionsSettings,
  statusSettings,
  verifySettings,
} from "../../src/settings.ts";
import schema from "../../schema/v1.json" with { type: "json" };
import { fencedBlocks, sectionOf, typedCommands } from "../support/page-blocks.ts";
import { pipelineScripts } from "../support/pipeline-scripts.ts";
import { flagsPage } from "../support/flags-page.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const filesIn = (folder: string, extension: string) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => path.endsWith(extension));

const PAGES = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...filesIn("docs", ".md"),
];
/** The pages for users; those for contributors also name flags of other programs. */
const USER_PAGES = PAGES.filter(
  (page) => page === "README.md" || (page.startsWith("docs/") && !page.endsWith("benchmarks.md")),
);
/** Flags that the pages name although the program does not have them. */
const NO_FLAGS = ["--event-ttl", "--force", "--flag", "--node-field-selector"];
const SOURCES = filesIn("src", ".ts").map(read).join("\n");

/** Returns the program with commands that only check their flags and arguments. */
function strictProgram() {
  const actions: Actions = {
    check: async (raw) => void commonSettings(raw),
    restart: async (raw, names) => void restartSettings(raw, names),
    move: async (raw, names) => void moveSettings(raw, names),
    verify: async (raw) => void verifySettings(raw),
    explain: async (raw, name) => void explainSettings(raw, name),
    revisions: async (raw, name) => void revisionsSettings(raw, name),
    status: async (raw) => void statusSettings(raw),
    completion: async () => undefined,
    version: () => undefined,
    complete: async () => undefined,
  };
  const silent = { write: () => true };
  const program = buildProgram({ stdout: silent, stderr: silent }, actions);
  addLocalCommands(program, actions);
  return program.version("0.0.0", "--version");
}

/** The scripts that a page shows, on their own and in pipelines. */
function shownScripts(page: string): readonly string[] {
  const text = read(page);
  const inPipelines = fencedBlocks(text, "yaml").flatMap((block) => pipelineScripts(parse(block)));
  return [...inPipelines, ...fencedBlocks(text, "sh")].map((script) =>
    script.replaceAll("\\\n", " "),
  );
}

/** The cells of each row of the tables in a text, without the headings. */
function tableRows(text: string): readonly (readonly string[])[] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  const isHeading = (index: number) => /^\|[ -]+-/.test(lines[index] ?? "");
  return lines
    .filter((_line, index) => !isHeading(index) && !isHeading(index + 1))
    .map((line) =>
      line
        .slice(1, -1)
        .split(" | ")
        .map((cell) => cell.trim()),
    );
}

/** The words in code style in a column of a page's tables. */
function codeInColumn(page: string, column: number): readonly string[] {
  return tableRows(read(page)).flatMap((cells) =>
    [...(cells[column] ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word),
  );
}

/** The arguments of each call of the program in a line of shell. */
function callsIn(line: string): readonly (readonly string[])[] {
  return line
    .replace(/ +# .*$/, "")
    .split(/&&|\|\||[|>;]|<\(|\)/)
    .map((part) => part.trim().replace(/^kubectl (?=istio-upgrade )/, ""))
    .filter((part) => part.startsWith("istio-upgrade "))
    .map((part) => part.split(/ +/).slice(1));
}

describe("the pages", () => {
  test("docs/flags.md matches the program; if not, run: npm run docs", async () => {
    await expect(flagsPage(strictProgram())).toMatchFileSnapshot(join(ROOT, "docs/flags.md"));
  });

  test("README.md is two screens long, and leads to every other page", () => {
    const readme = read("README.md");
    expect(readme.split("\n").length).toBeLessThanOrEqual(160);
    for (const page of PAGES.slice(1)) expect(readme).toContain(`](${page}`);
  });

  test.each(PAGES)("%s links to files and headings that exist", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    expect(links.filter((link) => !link.startsWith("https://") && isBroken(page, link))).toEqual(
      [],
    );
  });

  test.each(PAGES)("%s shows commands that the program takes", async (page) => {
    const lines = [...typedCommands(read(page)), ...shownScripts(page).join("\n").split("\n")];
    for (const args of lines.flatMap(callsIn)) {
      const call = args.join(" ");
      await expect(outcomeOf(args), `istio-upgrade ${call} in ${page}`).resolves.toBe("accepted");
    }
  });

  test.each(PAGES)("%s shows commands that a shell can parse", (page) => {
    for (const script of [...typedCommands(read(page)), ...shownScripts(page)]) {
      const { stderr } = spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
      expect(stderr, script).toBe("");
    }
  });

  test.each(USER_PAGES)("%s names flags that exist", (page) => {
    const known = strictProgram().commands.flatMap(({ options }) =>
      options.flatMap(({ long, short }) => [long, short]),
    );
    const code = [...read(page).matchAll(/`([^`\n]+)`/g)].map(([, text = ""]) => text);
    const flags = code.flatMap((text) => /^--?[a-z][a-z-]*/.exec(text) ?? []);
    expect(flags.filter((flag) => ![...known, ...NO_FLAGS].includes(flag))).toEqual([]);
  });

  test.each(PAGES)("%s names files that exist", (page) => {
    const paths = [...read(page).matchAll(/`((?:src|test|lint|docs)\/[\w./-]+)`/g)];
    const missing = paths.filter(([, path = ""]) => !existsSync(join(ROOT, path)));
    expect(missing.map(([, path]) => path)).toEqual([]);
  });

  test.each(PAGES)("%s names scripts that exist", (page) => {
    const scripts = [...read(page).matchAll(/npm run ([a-z:]+)/g)].map(([, name = ""]) => name);
    expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });
});

async function outcomeOf(args: readonly string[]): Promise<string> {
  try {
    await strictProgram().parseAsync(
      args.map((argument) => (argument === "--dry-run" ? "--dry-run=client" : argument)),
      { from: "user" },
    );
    return "accepted";
  } catch (error) {
    const { message, code } = error as Error & { readonly code?: string };
    return code === "commander.version" ? "accepted" : message;
  }
}

function isBroken(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) return true;
  return anchor !== undefined && !anchorsOf(target).includes(anchor);
}

/** The anchors that GitHub makes of a page's headings. */
function anchorsOf(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\d\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("deploy/cronjob", () => {
  /** The arguments of a CronJob. */
  function argsOf(name: string): readonly string[] {
    const [, document] = parseAllDocuments(read(`deploy/cronjob/${name}.yaml`));
    const cronJob = document?.toJS();
    return cronJob.spec.jobTemplate.spec.template.spec.containers[0].args;
  }

  test.each(["check", "restart"])("%s.yaml runs a command that the program takes", async (name) => {
    expect(argsOf(name)[0]).toBe(name);
    await expect(outcomeOf(argsOf(name))).resolves.toBe("accepted");
  });

  test("its page patches flags of the restart to others that the program takes", async () => {
    const page = read("docs/unattended.md");
    const flags = [...page.matchAll(/ value: (--.*)$/gm)].map(([, flag = ""]) => flag);
    const [scope = "", ...added] = flags.filter((flag) => !argsOf("restart").includes(flag));
    const patched = argsOf("restart").with(1, scope);
    expect(added).not.toEqual([]);
    await expect(outcomeOf([...patched, ...added])).resolves.toBe("accepted");
  });
});

describe("the tables", () => {
  test("of exit codes give every code its meaning", () => {
    const rows = tableRows(sectionOf(read("README.md"), "## Exit codes"));
    expect(rows.map(([code, meaning]) => [Number(code), meaning])).toEqual(EXIT_MEANINGS);
  });

  test("of exit codes are followed by their precedence", () => {
    const [, list = ""] =
      / first of ([\d, ]+)\./.exec(read("README.md").replaceAll("\n", " ")) ?? [];
    const order = list.split(", ").map((code) => Number(code) as ExitCode);
    expect([...order, 0].sort((a, b) => a - b)).toEqual(EXIT_MEANINGS.map(([code]) => code));
    for (const [index, code] of order.entries()) {
      const reasons = order.slice(index).map((later) => ({ code: later, text: "" }));
      expect(exitCodeOf(reasons.toReversed())).toBe(code);
    }
  });

  test("of verdicts have each verdict, in the order in which they apply", () => {
    const rows = tableRows(sectionOf(read("docs/how-it-decides.md"), "## Verdicts"));
    expect(rows.map(([verdict]) => verdict)).toEqual(VERDICTS.map((verdict) => `\`${verdict}\``));
  });

  test("of values have each value of a flag or a field", () => {
    const first = (page: string, heading: string) =>
      tableRows(sectionOf(read(page), heading)).map(([cell = ""]) => cell.replaceAll("`", ""));
    expect(first("docs/ci.md", "## Formats")).toEqual(OUTPUTS);
    expect(first("docs/failures.md", "## Outcomes")).toEqual(schema.$defs.Outcome.enum);
    expect(first("docs/how-it-decides.md", "## Proof by dry run")).toEqual(PROVES);
    expect(first("docs/restart.md", "## What else a restart changes")).toEqual(DRIFT_KINDS);
    const consent = first("docs/restart.md", "## Consent");
    expect(consent.filter((flag) => flag.startsWith("--include ")).sort()).toEqual(
      INCLUDES.map((value) => `--include ${value}`).sort(),
    );
  });

  test("of failures have the code of every result, and none that does not exist", () => {
    const acting = [...filesIn("src/rollout", ".ts"), ...filesIn("src/commands/restart", ".ts")];
    const sources = acting.map(read).join("\n");
    const given = [
      ...sources.matchAll(
        /"(?:restarted|replaced|waited|skipped|failed|timed-out|still-rolling|not-started)",\s*(?:code: )?"([a-z-]+)",/g,
      ),
    ].map(([, code = ""]) => code);
    expect(new Set(given).size).toBeGreaterThan(20);
    const documented = codeInColumn("docs/failures.md", 0);
    expect([...new Set(given)].filter((code) => !documented.includes(code))).toEqual([]);
    // A skipped workload has the code of the reason against its restart.
    const all = `${sources}\n${read("src/mesh/restartability.ts")}`;
    const isUsed = (code: string) => new RegExp(`["\\s]${code}(?:"|:)`).test(all);
    expect(documented.filter((code) => !isUsed(code))).toEqual([]);
  });

  test("of replacements in place have each reason against them, and each result", () => {
    const sources = ["src/mesh/in-place.ts", "src/commands/in-place/in-place-lookup.ts"].map(read);
    const reasons = [...sources.join("\n").matchAll(/"(in-place-[a-z-]+)"/g)].map(
      ([, code]) => code,
    );
    // Without a pod to replace, there is nothing to say.
    const told = [...new Set(reasons)].filter((code) => code !== "in-place-no-pods").toSorted();
    const documented = codeInColumn("docs/in-place.md", 0);
    expect(documented.filter((code) => code.startsWith("in-place-")).toSorted()).toEqual(told);
    const results = read("src/rollout/replacing.ts");
    const others = documented.filter((code) => !code.startsWith("in-place-"));
    expect(others.filter((code) => !results.includes(`"${code}"`))).toEqual([]);
  });

  test("of Events have each reason", () => {
    const rows = tableRows(sectionOf(read("docs/events.md"), "## Reasons"));
    expect(rows.map(([reason]) => reason)).toEqual(NOTICE_REASONS.map((reason) => `\`${reason}\``));
  });

  test("of environment variables have each that the program reads", () => {
    const names = [...SOURCES.matchAll(/(?:env\["|fromEither\(env, "|\? ")([A-Z]+_?[A-Z_]*)"/g)]
      .map(([, name = ""]) => name)
      // Set by Kubernetes and by the system, not by a user.
      .filter((name) => !/^(?:KUBERNETES_.*|HOME|PATH)$/.test(name));
    expect(names).toContain("HTTPS_PROXY");
    const [, documented = ""] = flagsPage(strictProgram()).split("## Environment");
    expect(names.filter((name) => !documented.includes(name))).toEqual([]);
  });
});

/** The program's texts as a reader sees them: whole sentences, with "..." for each value. */
const MESSAGES = SOURCES.replaceAll(/["`] \+\s+["`]/g, "").replaceAll(/\$\{[^}]*\}/g, "...");

test("docs/faq.md quotes messages of the program", () => {
  const quoted = [...read("docs/faq.md").matchAll(/^### `(.*)`$/gm)].map(([, text = ""]) => text);
  expect(quoted.length).toBeGreaterThan(15);
  const parts = quoted.flatMap((text) => text.split("...").map((part) => part.trim()));
  expect(parts.filter((part) => !MESSAGES.includes(part))).toEqual([]);
});

test("CONTRIBUTING explains words whose types exist", () => {
  const rows = tableRows(sectionOf(read("CONTRIBUTING.md"), "## Words"));
  const types = rows.flatMap(([, , cell = ""]) => /`(\w+)`/.exec(cell)?.[1] ?? []);
  expect(types.length).toBeGreaterThan(20);
  const isDeclared = (name: string) =>
    new RegExp(`export (?:interface|type) ${name}\\b`).test(SOURCES);
  expect(types.filter((name) => !isDeclared(name))).toEqual([]);
});

test("README repeats the result of the connection cases in CONTRIBUTING", () => {
  const [, right, all] = /\[(\d+) of (\d+) test cases\]/.exec(read("README.md")) ?? [];
  const total = tableRows(read("CONTRIBUTING.md")).find(([cases]) => cases === "all");
  expect([total?.[1], total?.[3]?.split(" ")[0]]).toEqual([all, right]);
});

test("CONTRIBUTING gives every bundled package its reason", () => {
  const contributing = read("CONTRIBUTING.md");
  const bundled = Object.keys(manifest.devDependencies).filter((name) =>
    SOURCES.includes(`"${name}"`),
  );
  expect(bundled.length).toBeGreaterThan(5);
  expect(bundled.filter((name) => !contributing.includes(name))).toEqual([]);
});
