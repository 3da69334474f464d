import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { goTool } from "../../packaging/go-tool.ts";
import { IMAGE } from "../../packaging/release.ts";
import { installBookinfo } from "../support/bookinfo.ts";
import { parseReport } from "../support/report-schema.ts";
import { type RealCluster, startRealCluster } from "../testbed/real-cluster.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

let folder: string;
let root: string;
let config: {
  readonly architecture: string;
  readonly config: { readonly User: string; readonly Entrypoint: readonly string[] };
};
let cluster: RealCluster;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-image-"));
  const layout = join(folder, "layout");
  await mkdir(layout);
  await run("tar", ["-xf", join(inject("release"), IMAGE), "-C", layout]);
  const image = ["--image", `${layout}:${manifest.version}`];
  const rootless = isRoot ? [] : ["--rootless"];
  await run(await goTool("umoci"), ["unpack", ...rootless, ...image, join(folder, "bundle")]);
  root = join(folder, "bundle", "rootfs");
  const blob = async (digest: string) =>
    readFile(join(layout, "blobs", digest.replace(":", "/")), "utf8");
  const index = JSON.parse(await readFile(join(layout, "index.json"), "utf8")) as {
    manifests: { digest: string }[];
  };
  const { config: described } = JSON.parse(await blob(index.manifests[0]?.digest ?? "")) as {
    config: { digest: string };
  };
  config = JSON.parse(await blob(described.digest)) as typeof config;
  cluster = await startRealCluster();
  await installBookinfo(cluster);
});
afterAll(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true });
});

/** Runs the image as a container runtime does: with its user, and with nothing that can be written. */
async function runImage(...args: readonly string[]) {
  const [user] = config.config.User.split(":");
  const script = `
    mount --bind "$1" "$1"
    mount --bind "$2" "$1/home/nonroot"
    mount -o remount,bind,ro "$1"
    root=$1
    shift 2
    exec env -i KUBECONFIG=/home/nonroot/kubeconfig \\
      "$(command -v chroot)" --userspec=${config.config.User} --groups=${user} "$root" "$@"`;
  const words = [root, join(folder, "home"), ...config.config.Entrypoint, ...args];
  await mkdir(join(folder, "home"), { recursive: true });
  await cp(cluster.kubeconfig, join(folder, "home", "kubeconfig"));
  await run("chmod", ["644", join(folder, "home", "kubeconfig")]);
  return run("unshare", ["--mount", "sh", "-e", "-c", script, "sh", ...words]).then(
    (ended) => ({ ...ended, code: 0 }),
    (ended: { code: number; stdout: string; stderr: string }) => ended,
  );
}

test("the image runs the program as a user that is not root", () => {
  expect(config).toMatchObject({
    architecture: "amd64",
    os: "linux",
    config: {
      User: "65532:65532",
      Entrypoint: ["/usr/bin/istio-upgrade"],
      Labels: { "org.opencontainers.image.version": manifest.version },
    },
  });
});

test("deploy/Dockerfile makes an image from the archive with the same settings", async () => {
  const text = await readFile(new URL("../../deploy/Dockerfile", import.meta.url), "utf8");
  const lines = [...text.matchAll(/^([A-Z]+) (.*)$/gm)].map(([, name, value = ""]) => [
    name,
    value,
  ]);
  const values = (name: string) =>
    lines.filter((line) => line[0] === name).map(([, value]) => value);
  expect(values("USER")).toEqual([config.config.User]);
  expect(values("ENTRYPOINT").map((value) => JSON.parse(value ?? ""))).toEqual([
    config.config.Entrypoint,
  ]);
  const archived = await readdir(inject("unpacked"));
  for (const copy of values("COPY")) {
    const [target = "", ...sources] = (copy ?? "").split(" ").toReversed();
    expect(archived).toEqual(expect.arrayContaining(sources));
    for (const source of sources) {
      const path = target.endsWith("/") ? `${target}${source}` : target;
      expect((await stat(join(root, path))).isFile(), path).toBe(true);
    }
  }
});

test("the image has no shell", async () => {
  const { stdout } = await run("find", [root, "-type", "f", "-perm", "-111"]);
  const programs = stdout
    .trim()
    .split("\n")
    .filter((path) => !dirname(path).includes("/lib"));
  expect(programs).toEqual([join(root, "usr/bin/istio-upgrade")]);
});

test("the image checks, restarts and verifies on a real control plane, without root and without writing", async ({
  skip,
}) => {
  if (!isRoot) {
    process.stderr.write("skipped: only root can mount the image\n");
    return skip("only root can mount the image");
  }
  expect(await runImage("--version")).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  const checked = await runImage("check", "--output", "json");
  expect(checked).toMatchObject({ code: 2 });
  expect(parseReport("CheckReport", checked.stdout).summary.byVerdict).toEqual({ outdated: 6 });
  const restarted = await runImage("restart", "-n", "default", "--yes", "--output", "json");
  expect(restarted).toMatchObject({ code: 0 });
  expect(await runImage("verify", "-n", "default", "--wait", "1m")).toMatchObject({ code: 0 });
});
