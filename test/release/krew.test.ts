import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { parse } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { archiveName, BUILDER, programName } from "../../packaging/platforms.ts";
import { goTool } from "../../packaging/go-tool.ts";
import { installBookinfo } from "../support/bookinfo.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { parseReport } from "../support/report-schema.ts";
import { builtProgram } from "../testbed/build.ts";

const run = promisify(execFile);
const release = inject("release");
const platforms = inject("platforms");
const MANIFEST = join(release, "istio-upgrade.yaml");

let root: string;
let env: Readonly<Record<string, string>>;
let kubectl: string;
let cluster: EmbeddedCluster;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "istio-upgrade-krew-"));
  cluster = await startEmbeddedCluster();
  await installBookinfo(cluster);
  kubectl = (await builtProgram("kubectl")) ?? "kubectl";
  const krew = await goTool("krew");
  env = {
    PATH: `${root}/bin:${process.env["PATH"]}`,
    HOME: root,
    KREW_ROOT: root,
    KUBECONFIG: cluster.kubeconfig,
  };
  const archive = join(release, archiveName(BUILDER));
  await run(krew, ["install", "--manifest", MANIFEST, "--archive", archive], { env });
});
afterAll(async () => {
  await cluster.stop();
  await rm(root, { recursive: true });
});

test("the manifest names each archive with its checksum", async () => {
  const { spec } = parse(await readFile(MANIFEST, "utf8")) as {
    spec: { version: string; platforms: { uri: string; sha256: string; bin: string }[] };
  };
  expect(spec.version).toBe(`v${manifest.version}`);
  const sums = await readFile(join(release, "SHA256SUMS"), "utf8");
  for (const [index, { uri, sha256, bin }] of spec.platforms.entries()) {
    const platform = platforms[index] ?? BUILDER;
    expect(sums).toContain(`${sha256}  ${archiveName(platform)}\n`);
    expect(uri).toMatch(new RegExp(`^https://.*/v${manifest.version}/${archiveName(platform)}$`));
    expect(bin).toBe(programName(platform));
  }
  expect(spec.platforms.length).toBe(platforms.length);
});

test("kubectl runs the plugin that krew has installed", async () => {
  const args = ["istio-upgrade", "check", "--output", "json"];
  const ended = await run(kubectl, args, { env }).catch(
    (error: { code: number; stdout: string }) => error,
  );
  expect(ended).toMatchObject({ code: 2 });
  expect(parseReport("CheckReport", ended.stdout).summary.byVerdict).toEqual({ outdated: 6 });
});

test("kubectl completes the words of the plugin if the completion is on the path", async () => {
  const args = ["__complete", "istio-upgrade", "check", "--output", "w"];
  const store = join(root, "store", "istio-upgrade", `v${manifest.version}`);
  const name = "kubectl_complete-istio_upgrade";
  await symlink(join(store, name), join(root, "bin", name));
  expect((await run(kubectl, args, { env })).stdout).toBe("wide\n:4\n");
});

test("krew rejects an archive with another checksum", async () => {
  const changed = join(root, "changed.yaml");
  const text = await readFile(MANIFEST, "utf8");
  await writeFile(changed, text.replaceAll(/(?<=sha256: "?).{8}/g, "00000000"));
  const other = { ...env, KREW_ROOT: join(root, "other") };
  const archive = join(release, archiveName(BUILDER));
  const args = ["install", "--manifest", changed, "--archive", archive];
  await expect(run(await goTool("krew"), args, { env: other })).rejects.toThrow(/checksum/);
});
