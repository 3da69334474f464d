import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseLines } from "../support/report-schema.ts";

const PAGE = readFileSync(new URL("../../docs/waves.md", import.meta.url), "utf8");
const FOLDER = mkdtempSync(join(tmpdir(), "istio-upgrade-recipes-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));

/** The blocks of the page in one language. */
function blocks(language: string): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms");
  return [...PAGE.matchAll(fence)].map(([, content = ""]) => content);
}

/** The document that a gate gets, as the page shows it. */
const [WAVE = ""] = blocks("json");

const RECIPES = new Map(
  blocks("sh").map((script) => [/^# (check-[a-z-]+)$/m.exec(script)?.[1] ?? "", script]),
);

/** Writes an executable file, and returns its path. */
function executable(name: string, script: string): string {
  const file = join(FOLDER, name);
  writeFileSync(file, script, { mode: 0o755 });
  return file;
}

/** Runs a recipe as a gate, and resolves to its exit code and its output. */
async function ask(recipe: string, env: Readonly<Record<string, string>>, path = "") {
  const script = RECIPES.get(recipe);
  if (script === undefined) throw new Error(`the page has no recipe ${recipe}`);
  const child = spawn(executable(recipe, script), [], {
    env: {
      PATH: `${path === "" ? "" : `${path}:`}${process.env["PATH"]}`,
      ISTIO_UPGRADE_WAVE: "1",
      ISTIO_UPGRADE_WAVES: "4",
      ISTIO_UPGRADE_CONTEXT: "prod",
      ISTIO_UPGRADE_ISTIO_NAMESPACE: "aks-istio-system",
      ...env,
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  child.stdin.on("error", () => undefined).end(WAVE);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output };
}

test("the page shows a document that matches the schema", () => {
  expect(parseLines(JSON.stringify(JSON.parse(WAVE)))).toMatchObject([{ kind: "Wave" }]);
});

test("every script of the page is a recipe that is tested here", () => {
  expect([...RECIPES.keys()]).toEqual(["check-prometheus", "check-azure-monitor", "check-rejects"]);
});

describe("the gate that asks Prometheus", () => {
  const answer = (...values: readonly string[]) =>
    JSON.stringify({
      status: "success",
      data: {
        resultType: "vector",
        result: values.map((value) => ({ metric: {}, value: [1_800_000_000, value] })),
      },
    });

  test.for<[what: string, status: number, body: string, passes: boolean]>([
    ["passes below 1 %", 200, answer("0.0042"), true],
    ["passes without an error", 200, answer("0"), true],
    ["refuses at 1 %", 200, answer("0.01"), false],
    ["refuses without requests", 200, answer("NaN"), false],
    ["refuses without an answer", 200, answer(), false],
    ["refuses two answers", 200, answer("0", "0"), false],
    ["refuses an error of the query", 200, '{"status":"error","error":"bad query"}', false],
    ["refuses an error of the server", 503, answer("0"), false],
    ["refuses a page that is no JSON", 200, "<html>", false],
    ["refuses an empty page", 200, "", false],
  ])("%s", async ([, status, body, passes]) => {
    const queries: string[] = [];
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
      queries.push(`${pathname} ${searchParams.get("query")}`);
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const { code, output } = await ask("check-prometheus", {
        PROMETHEUS_URL: `http://127.0.0.1:${port}`,
      });
      expect(code === 0, output).toBe(passes);
      expect(queries).toEqual([
        '/api/v1/query (sum(rate(istio_requests_total{reporter="destination",response_code=~"5.."}[2m])) or vector(0)) / (sum(rate(istio_requests_total{reporter="destination"}[2m])))',
      ]);
    } finally {
      server.close();
    }
  });

  test("refuses if Prometheus cannot be reached, or is not named", async () => {
    const gone = { PROMETHEUS_URL: "http://127.0.0.1:1" };
    expect((await ask("check-prometheus", gone)).code).not.toBe(0);
    expect((await ask("check-prometheus", {})).code).not.toBe(0);
  });
});

describe("the gate that asks Azure Monitor", () => {
  test.for<[what: string, answer: string, status: number, passes: boolean]>([
    ["passes below 1 %", '[{"failed":"9","total":"1000","TableName":"PrimaryResult"}]', 0, true],
    ["refuses at 1 %", '[{"failed":"10","total":"1000","TableName":"PrimaryResult"}]', 0, false],
    [
      "refuses without requests",
      '[{"failed":"0","total":"0","TableName":"PrimaryResult"}]',
      0,
      false,
    ],
    ["refuses an empty list", "[]", 0, false],
    ["refuses an answer without counts", '[{"TableName":"PrimaryResult"}]', 0, false],
    ["refuses without a login", "", 1, false],
    ["refuses an empty answer", "", 0, false],
  ])("%s", async ([, answer, status, passes]) => {
    const bin = mkdtempSync(join(FOLDER, "az-"));
    const calls = join(bin, "calls");
    const stub = `#!/bin/sh\nprintf '%s\\n' "$@" > ${calls}\nprintf '%s' '${answer}'\nexit ${status}\n`;
    writeFileSync(join(bin, "az"), stub, { mode: 0o755 });
    const { code, output } = await ask("check-azure-monitor", { WORKSPACE_ID: "1234" }, bin);
    expect(code === 0, output).toBe(passes);
    expect(readFileSync(calls, "utf8")).toMatch(
      /^monitor\nlog-analytics\nquery\n--workspace\n1234\n--analytics-query\nAppRequests /,
    );
  });
});

describe("the gate that asks istiod for rejects", () => {
  const INFO = 'pilot_info{version="1.27.9"} 1';
  const reject = (node: string, count = 1) =>
    `pilot_xds_lds_reject{err="13",node="${node}"} ${count}`;

  test.for<[what: string, metrics: string, pods: string, passes: boolean]>([
    ["passes before the first error", INFO, "pod/istiod-1", true],
    [
      "passes if a proxy of another workload rejects",
      `${INFO}\n${reject("api-1-a.shop")}`,
      "pod/istiod-1",
      true,
    ],
    [
      "passes if a proxy of another namespace rejects",
      `${INFO}\n${reject("web-1-a.pay")}`,
      "pod/istiod-1",
      true,
    ],
    [
      "passes if the proxy rejects nothing any longer",
      `${INFO}\n${reject("web-1-a.shop", 0)}`,
      "pod/istiod-1",
      true,
    ],
    [
      "refuses if a proxy of the wave rejects",
      `${INFO}\n${reject("web-7d4b9c-x2x1z.shop")}`,
      "pod/istiod-1",
      false,
    ],
    ["refuses without an istiod", INFO, "", false],
    ["refuses a page without metrics", "<html>", "pod/istiod-1", false],
    ["refuses an empty page", "", "pod/istiod-1", false],
  ])("%s", async ([, metrics, pods, passes]) => {
    const bin = mkdtempSync(join(FOLDER, "kubectl-"));
    const calls = join(bin, "calls");
    writeFileSync(join(bin, "metrics"), `${metrics}\n`);
    const stub = `#!/bin/sh
echo "$@" >> ${calls}
case "$*" in
  *--raw*) cat ${join(bin, "metrics")} ;;
  *) printf '%s' '${pods}' ;;
esac
`;
    writeFileSync(join(bin, "kubectl"), stub, { mode: 0o755 });
    const { code, output } = await ask("check-rejects", {}, bin);
    expect(code === 0, output).toBe(passes);
    const lines = readFileSync(calls, "utf8").trim().split("\n");
    expect(lines[0]).toBe(
      "--context prod get pods --namespace aks-istio-system --selector app=istiod --field-selector status.phase=Running --output name",
    );
    const raw = "/api/v1/namespaces/aks-istio-system/pods/istiod-1:15014/proxy/metrics";
    expect(lines.slice(1)).toEqual(pods === "" ? [] : [`--context prod get --raw ${raw}`]);
  });

  test("refuses if the metrics are forbidden", async () => {
    const bin = mkdtempSync(join(FOLDER, "kubectl-"));
    const stub = `#!/bin/sh\ncase "$*" in *--raw*) echo forbidden >&2; exit 1 ;; *) echo pod/istiod-1 ;; esac\n`;
    writeFileSync(join(bin, "kubectl"), stub, { mode: 0o755 });
    const { code } = await ask("check-rejects", {}, bin);
    expect(code).not.toBe(0);
  });
});
