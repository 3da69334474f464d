import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { writeTarball } from "./archive.ts";
import { unpackDebian } from "./debian.ts";
import { goTool } from "./go-tool.ts";
import { BUILDER } from "./platforms.ts";
import type { OtherComponent } from "./sbom.ts";

const run = promisify(execFile);

/** The packages with the libraries of Node, and the authorities for TLS. */
const PACKAGES = ["libc6", "libgcc-s1", "libstdc++6", "ca-certificates"];

/** The libraries that Node loads, and the program that loads them. */
const LIBRARIES = [
  "libc.so.6",
  "libdl.so.2",
  "libgcc_s.so.1",
  "libm.so.6",
  "libpthread.so.0",
  "libstdc++.so.6",
];
const LOADER = "ld-linux-x86-64.so.2";

/** The user `nonroot` of distroless images, so that a policy that knows it fits. */
const USER = "65532";

/** A container image, and what it consists of. */
export interface ImageInput {
  readonly version: string;
  readonly time: Date;
  /** The unpacked archive of the program. */
  readonly program: string;
  readonly temporary: string;
}

/**
 * Writes a container image for linux/amd64 as an OCI archive. The image has the program, what it
 * loads, and no shell.
 *
 * @returns the packages of Debian in the image.
 */
export async function writeImage(
  file: string,
  { version, time, program, temporary }: ImageInput,
): Promise<readonly OtherComponent[]> {
  const [root, layout] = [join(temporary, "root"), join(temporary, "layout")];
  const debian = await unpackPackages(join(temporary, "debian"));
  await fillRoot(root, program, join(temporary, "debian", "root"));
  const components = await recordPackages(root, debian);
  const layer = join(temporary, "layer.tar");
  await writeTarball(layer, { folder: root, names: await pathsIn(root), time, isPlain: true });
  await buildLayout(layout, layer, { version, time });
  await writeTarball(file, { folder: layout, names: await pathsIn(layout), time, isPlain: true });
  return components;
}

/** Unpacks the packages, and the one with the licence of GCC's libraries, whose name has a version. */
async function unpackPackages(folder: string): Promise<readonly string[]> {
  const files = await unpackDebian(PACKAGES, folder);
  const gcc = files.find((file) => basename(file).startsWith("libgcc-s1"));
  const { stdout } = await run("dpkg-deb", ["--field", gcc ?? "", "Depends"]);
  const [base] = /gcc-\d+-base/.exec(stdout) ?? [];
  return base === undefined ? files : unpackDebian([base], folder);
}

async function fillRoot(root: string, program: string, debian: string): Promise<void> {
  const found = await pathsIn(debian);
  const place = async (from: string, to: string, mode = 0o644) => {
    await mkdir(join(root, dirname(to)), { recursive: true });
    await copyFile(from, join(root, to));
    await chmod(join(root, to), mode);
  };
  const write = async (to: string, content: string) => {
    await mkdir(join(root, dirname(to)), { recursive: true });
    await writeFile(join(root, to), content, { mode: 0o644 });
  };
  for (const name of [...LIBRARIES, LOADER]) {
    const path = found.find((one) => basename(one) === name);
    if (path === undefined) throw new Error(`no package of Debian has ${name}`);
    const folder = name === LOADER ? "lib64" : "lib/x86_64-linux-gnu";
    await place(join(debian, path), `${folder}/${name}`, 0o755);
  }
  for (const path of found.filter((one) => /^usr\/share\/doc\/[^/]+\/copyright$/.test(one))) {
    await place(join(debian, path), path);
  }
  const authorities = found.filter((path) => /^usr\/share\/ca-certificates\/.*\.crt$/.test(path));
  const texts = await Promise.all(authorities.map((path) => readFile(join(debian, path), "utf8")));
  await write("etc/ssl/certs/ca-certificates.crt", texts.join(""));
  await write("etc/passwd", `nonroot:x:${USER}:${USER}:nonroot:/home/nonroot:/sbin/nologin\n`);
  await write("etc/group", `nonroot:x:${USER}:\n`);
  await write("etc/nsswitch.conf", "hosts: files dns\n");
  await place("/etc/os-release", "etc/os-release");
  await mkdir(join(root, "home/nonroot"), { recursive: true });
  await place(join(program, "istio-upgrade"), "usr/bin/istio-upgrade", 0o755);
  for (const name of ["LICENSE", "THIRD-PARTY-LICENSES"]) {
    await place(join(program, name), `usr/share/doc/istio-upgrade/${name}`);
  }
}

/** Records the packages where scanners of images without dpkg look for them. */
async function recordPackages(
  root: string,
  debian: readonly string[],
): Promise<readonly OtherComponent[]> {
  const folder = join(root, "var/lib/dpkg/status.d");
  await mkdir(folder, { recursive: true });
  const components: OtherComponent[] = [];
  for (const file of debian) {
    const { stdout } = await run("dpkg-deb", ["--field", file]);
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(stdout)?.[1] ?? "";
    const [name, version] = [field("Package"), field("Version")];
    await writeFile(join(folder, name), `${stdout.trimEnd()}\n`, { mode: 0o644 });
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${field("Architecture")}`;
    components.push({ name, version, purl });
  }
  return components;
}

/** Returns the paths of all files and folders in a folder, sorted. */
async function pathsIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}

/** Builds the image as a folder. umoci needs neither a registry nor a daemon. */
async function buildLayout(
  layout: string,
  layer: string,
  { version, time }: Pick<ImageInput, "version" | "time">,
): Promise<void> {
  const program = await goTool("umoci");
  const umoci = (...args: readonly string[]) => run(program, args);
  const image = ["--image", `${layout}:${version}`];
  const created = time.toISOString();
  await umoci("init", "--layout", layout);
  await umoci("new", ...image);
  await umoci("raw", "add-layer", ...image, "--history.created", created, layer);
  const labels = {
    title: "istio-upgrade",
    description: "Restarts workloads with outdated Istio sidecars, and proves the result",
    licenses: "Apache-2.0",
    version,
  };
  const settings = {
    "--created": created,
    "--os": BUILDER.go.os,
    "--architecture": BUILDER.go.arch,
    "--config.user": `${USER}:${USER}`,
    "--config.entrypoint": "/usr/bin/istio-upgrade",
  };
  const flags = Object.entries(labels).flatMap(([name, value]) => [
    "--config.label",
    `org.opencontainers.image.${name}=${value}`,
  ]);
  await umoci("config", ...image, "--no-history", ...Object.entries(settings).flat(), ...flags);
  await umoci("gc", "--layout", layout);
}
