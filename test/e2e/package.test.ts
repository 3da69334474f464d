import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import lock from "../../package-lock.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };
import { installBookinfo } from "../support/bookinfo.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { bundledPackages, installProgram, type Package, packProgram } from "../support/package.ts";
import { parseReport } from "../support/report-schema.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

let folder: string;
let published: Package;
let bin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-package-"));
  published = await packProgram(folder);
  bin = await installProgram(folder, published);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const PAGES =
  "argo-workflows benchmarks ci connection events failures faq flags fleet fleet-manager how-it-decides html in-place install lease metrics minor-upgrade move permissions restart revisions teams unattended waves";

/** The files of the installed package. */
const installed = (file: string) => join(bin, "../lib/node_modules/istio-upgrade", file);

describe("the published package", () => {
  test("contains exactly these files", () => {
    expect(published.files).toEqual(
      [
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "bin/istio-upgrade.js",
        "bin/kubectl_complete-istio_upgrade.js",
        "bin/load.js",
        "bin/package.json",
        "deploy/Dockerfile",
        "deploy/cronjob/alerts.yaml",
        "deploy/cronjob/check.yaml",
        "deploy/cronjob/gate/Dockerfile",
        "deploy/cronjob/gate/check-prometheus",
        "deploy/cronjob/gate/kustomization.yaml",
        "deploy/cronjob/kustomization.yaml",
        "deploy/cronjob/namespace.yaml",
        "deploy/cronjob/pushgateway/kustomization.yaml",
        "deploy/cronjob/rbac/kustomization.yaml",
        "deploy/cronjob/report-volume/claim.yaml",
        "deploy/cronjob/report-volume/kustomization.yaml",
        "deploy/cronjob/report-volume/reader.yaml",
        "deploy/cronjob/restart.yaml",
        "deploy/fleet/argo/kustomization.yaml",
        "deploy/fleet/argo/namespace.yaml",
        "deploy/fleet/argo/run.yaml",
        "deploy/fleet/argo/service-account.yaml",
        "deploy/fleet/argo/workflow-template.yaml",
        "deploy/fleet/hub/kustomization.yaml",
        "deploy/fleet/hub/overrides.yaml",
        "deploy/fleet/hub/placement.yaml",
        "deploy/fleet/hub/restart/kustomization.yaml",
        "deploy/fleet/hub/restart/override.yaml",
        "deploy/fleet/hub/roles.yaml",
        "deploy/fleet/hub/run.yaml",
        "deploy/fleet/hub/strategy.yaml",
        "deploy/fleet/member/kustomization.yaml",
        "deploy/fleet/member/namespace.yaml",
        "deploy/fleet/member/rbac/kustomization.yaml",
        "deploy/fleet/member/service-account.yaml",
        "deploy/prometheus/prometheusrule.yaml",
        "deploy/prometheus/rules.yaml",
        "deploy/prometheus/textfile.sh",
        "deploy/rbac/check.yaml",
        "deploy/rbac/events.yaml",
        "deploy/rbac/in-place.yaml",
        "deploy/rbac/kustomization.yaml",
        "deploy/rbac/lease.yaml",
        "deploy/rbac/move.yaml",
        "deploy/rbac/read-only.yaml",
        "deploy/rbac/restart-cluster.yaml",
        "deploy/rbac/restart-namespace.yaml",
        "dist/THIRD-PARTY-LICENSES",
        "dist/help.txt",
        "dist/main.cjs",
        "dist/main.cjs.map",
        "dist/version.txt",
        ...PAGES.split(" ").map((name) => `docs/${name}.md`),
        "package.json",
        "schema/v1.json",
      ].sort(),
    );
  });

  test("contains no path of the machine that built it", async () => {
    const revealing: string[] = [];
    for (const file of published.files) {
      const text = await readFile(installed(file), "utf8");
      if (text.includes(ROOT) || text.includes(`${homedir()}/`)) revealing.push(file);
    }
    expect(revealing).toEqual([]);
  });

  test("has source maps to src/ and packages only", async () => {
    for (const file of published.files.filter((name) => name.endsWith(".map"))) {
      const { sources } = JSON.parse(await readFile(installed(file), "utf8")) as {
        sources: string[];
      };
      const strange = sources.filter(
        (source) => !/^\.\.\/(?:src\/|node_modules\/|package\.json$)/.test(source),
      );
      expect(strange, file).toEqual([]);
    }
  });
});

describe("the installed package, offline and without scripts", () => {
  test("brings no other package", async () => {
    expect(await readdir(join(bin, "../lib/node_modules"))).toEqual(["istio-upgrade"]);
    expect(await readdir(installed(""))).not.toContain("node_modules");
    expect(Object.keys(manifest)).not.toContain("dependencies");
  });

  test.each(["istio-upgrade", "kubectl-istio_upgrade"])("has the command %s", async (name) => {
    const program = join(bin, name);
    expect((await run(program, ["--version"])).stdout).toBe(`${manifest.version}\n`);
    expect((await run(program, ["--help"])).stdout).toContain("Usage: istio-upgrade");
  });

  test("completes words for kubectl", async () => {
    const program = join(bin, "kubectl_complete-istio_upgrade");
    const { stdout } = await run(program, ["check", "--output", "w"]);
    expect(stdout).toBe("wide\t\n:4\n");
  });

  test("checks a cluster in every output format", async () => {
    const cluster = await startEmbeddedCluster();
    await installBookinfo(cluster);
    const env = { PATH: process.env["PATH"], KUBECONFIG: cluster.kubeconfig, HOME: folder };
    const check = (output: string) =>
      run(join(bin, "istio-upgrade"), ["check", "--output", output], { env }).catch(
        (ended: { code: number; stdout: string }) => ended,
      );
    const { stdout, ...ended } = await check("json");
    expect(ended).toMatchObject({ code: 2 });
    expect(parseReport("CheckReport", stdout).summary.byVerdict).toEqual({ outdated: 6 });
    for (const output of ["table", "wide", "jsonl", "markdown", "junit", "html"]) {
      expect(await check(output)).toMatchObject({
        code: 2,
        stdout: expect.stringContaining("productpage-v1"),
      });
    }
    await cluster.stop();
  });
});

describe("packages", () => {
  const locked = lock.packages as Readonly<Record<string, { readonly version?: string }>>;

  test("are required and locked by exact version", () => {
    for (const [name, version] of Object.entries(manifest.devDependencies)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
      expect(locked[`node_modules/${name}`]?.version, name).toBe(version);
    }
    // For the linters' binaries of other platforms the lockfile has versions, but no hashes.
    const loose = Object.entries(locked).filter(
      ([path, entry]) => path !== "" && !("integrity" in entry) && !("optional" in entry),
    );
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  const bundled = async () =>
    bundledPackages(await readFile(installed("dist/THIRD-PARTY-LICENSES"), "utf8"));

  test("that are bundled are listed in CONTRIBUTING.md with their purpose", async () => {
    const names = new Set((await bundled()).map(({ name }) => name));
    const direct = Object.keys(manifest.devDependencies).filter((name) => names.has(name));
    const contributing = await readFile(join(ROOT, "CONTRIBUTING.md"), "utf8");
    const section = contributing.slice(contributing.indexOf("## Libraries"));
    const rows = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)].slice(2);
    const reasoned = rows.flatMap(([, cell = ""]) => cell.trim().split(", "));
    expect(reasoned.sort()).toEqual(direct.sort());
  });

  test("that are bundled are published with the full text of their licences", async () => {
    for (const { name, text } of await bundled()) {
      expect(text, name).toMatch(/Permission|Redistribution|Apache License|copyright notice/i);
      expect(text.length, name).toBeGreaterThan(500);
    }
  });
});
