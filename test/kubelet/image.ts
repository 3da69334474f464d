import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { runs } from "./behaviours.ts";

/** A part of an image that a registry serves by its digest. */
export interface Blob {
  readonly digest: string;
  readonly content: Buffer;
}

/** The repository of the image that keeps the network of a pod. */
export const PAUSE = "pause";

const TOOLS = ["hostname", "httpd", "nc", "sh", "sleep", "wget"] as const;

/**
 * Returns the only layer of all images: busybox, and a `pilot-agent` that understands the arguments
 * that Istio's injector gives to its containers.
 *
 * @param behaviours the URL of the server that knows the behaviours.
 */
export async function createLayer(
  folder: string,
  busybox: string,
  behaviours: string,
): Promise<Blob> {
  const root = join(folder, "image");
  const bin = join(root, "bin");
  await mkdir(bin, { recursive: true });
  await copyFile(busybox, join(bin, "busybox"));
  for (const tool of TOOLS) await symlink("busybox", join(bin, tool));
  await script(
    join(bin, "behave"),
    `script=$(wget -q -O - "${behaviours}/$(hostname)/$1") || exit 111
eval "$script"`,
  );
  await script(
    join(bin, "answer"),
    `while read -r line && [ -n "\${line%?}" ]; do :; done
printf 'HTTP/1.1 %s Answer\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' "$1"`,
  );
  await script(
    join(bin, "pilot-agent"),
    `case $1 in
  istio-iptables) exec behave istio-init ;;
  proxy) exec behave istio-proxy ;;
  *) exit 0 ;;
esac`,
  );
  await script(join(bin, PAUSE), runs());
  for (const page of ["index.html", "healthz/ready"]) {
    await mkdir(dirname(join(root, "www", page)), { recursive: true });
    await writeFile(join(root, "www", page), "");
  }
  const archive = join(folder, "layer.tar");
  const owner = ["--owner=0", "--group=0", "--numeric-owner"];
  const order = ["--sort=name", "--mtime=@0"];
  await promisify(execFile)("tar", [...owner, ...order, "-C", root, "-cf", archive, "."]);
  return blob(await readFile(archive));
}

/** Returns the configuration and the manifest of an image. Each reference has its own digest. */
export function describeImage(
  reference: string,
  layer: Blob,
): { readonly config: Blob; readonly manifest: Blob } {
  const config = blob({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: {
      Entrypoint: [reference.startsWith(PAUSE) ? `/bin/${PAUSE}` : "/bin/pilot-agent"],
      Env: ["PATH=/bin"],
      Labels: { reference },
    },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  });
  const manifest = blob({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: describe("application/vnd.oci.image.config.v1+json", config),
    layers: [describe("application/vnd.oci.image.layer.v1.tar", layer)],
  });
  return { config, manifest };
}

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

function describe(mediaType: string, { digest, content }: Blob): unknown {
  return { mediaType, digest, size: content.length };
}

function blob(value: unknown): Blob {
  const content = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
  return { digest: `sha256:${createHash("sha256").update(content).digest("hex")}`, content };
}

async function script(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}
