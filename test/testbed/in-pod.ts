import { execFileSync } from "node:child_process";
import { mkdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SERVICE_ACCOUNT_FOLDER } from "../../src/connection/in-cluster.ts";
import { type RunningProgram, startProgram } from "../support/run-program.ts";
import type { Answer } from "../support/test-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

/** A pod as the API server returns it. */
export type Pod = Answer["body"];

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

/**
 * Writes the files of a volume as the kubelet does: all of them are replaced at once, by renaming a
 * link (`AtomicWriter` in pkg/volume/util).
 */
export async function writeVolume(
  folder: string,
  files: Readonly<Record<string, string>>,
  mode = 0o644,
): Promise<void> {
  const data = join(folder, "..data");
  const before = await readlink(data).catch(() => undefined);
  const next = `..${process.hrtime.bigint()}`;
  await mkdir(join(folder, next), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, next, name), content, { mode });
    if (before === undefined) await symlink(join("..data", name), join(folder, name));
  }
  await symlink(next, `${data}_tmp`);
  await rename(`${data}_tmp`, data);
  if (before !== undefined) await rm(join(folder, before), { recursive: true });
}

/** Returns the reason why this machine cannot show a folder to one process alone, if there is one. */
export function mountsRefused(): string | undefined {
  try {
    execFileSync("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/run"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return (error as Error).message.trim().split("\n").at(-1);
  }
}

const MOUNT = `mount -t tmpfs none /run && mkdir -p "$0" && mount --bind "$1" "$0" && shift && exec "$@"`;

/**
 * Starts the program with the arguments and the variables of a pod's first container, and with the
 * service account where the kubelet mounts it.
 *
 * @param volumes the folders of the pod's volumes, by name, that of the service account too.
 * @param changed changes the arguments.
 */
export function startInPod(
  cluster: RealCluster,
  pod: Pod,
  volumes: Readonly<Record<string, string>>,
  changed: (args: readonly string[]) => readonly string[] = (args) => args,
): RunningProgram {
  const [{ args, env = [], volumeMounts }] = pod.spec.containers;
  const variables = Object.fromEntries(
    (env as readonly Variable[]).map((one) => [one.name, valueOf(one, pod)]),
  );
  let account: string | undefined;
  const places: [mountPath: string, folder: string][] = [];
  for (const { name, mountPath } of volumeMounts as { name: string; mountPath: string }[]) {
    const folder = volumes[name];
    if (folder === undefined) throw new Error(`no folder for the volume ${name}`);
    if (mountPath === SERVICE_ACCOUNT_FOLDER) account = folder;
    else places.push([`${mountPath}/`, `${folder}/`]);
  }
  if (account === undefined) throw new Error("the pod has no service account");
  const { hostname, port } = new URL(cluster.address.server);
  const expanded = changed(args).map((argument) =>
    places.reduce(
      (text, [path, folder]) => text.replaceAll(path, folder),
      argument.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => variables[name] ?? whole),
    ),
  );
  return startProgram(
    expanded,
    { ...variables, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    ["unshare", "-rm", "sh", "-c", MOUNT, SERVICE_ACCOUNT_FOLDER, account],
  );
}

function valueOf({ name, value, valueFrom }: Variable, pod: Pod): string {
  if (value !== undefined) return value;
  const [, label = ""] =
    /^metadata\.labels\['(.*)'\]$/.exec(valueFrom?.fieldRef.fieldPath ?? "") ?? [];
  const found = pod.metadata.labels[label];
  if (found === undefined) throw new Error(`the pod has no value for ${name}`);
  return found;
}

/** The name of the volume with which the API server gives the pod its service account. */
export function accountVolume(pod: Pod): string {
  const mounts: { name: string; mountPath: string }[] = pod.spec.containers[0].volumeMounts;
  const mount = mounts.find(({ mountPath }) => mountPath === SERVICE_ACCOUNT_FOLDER);
  if (mount === undefined) throw new Error("the pod has no service account");
  return mount.name;
}

/**
 * Requests a token for a pod's service account with the lifetime that its volume asks for. It is
 * valid until the object is deleted, as the kubelet's is until the pod is.
 */
export async function requestToken(
  cluster: RealCluster,
  pod: Pod,
  boundTo: { readonly kind: "Pod" | "Secret"; readonly name: string },
): Promise<string> {
  const volume = pod.spec.volumes.find(({ name }: { name: string }) => name === accountVolume(pod));
  const { serviceAccountToken } = volume.projected.sources.find(
    (source: object) => "serviceAccountToken" in source,
  );
  const { namespace } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${pod.spec.serviceAccountName}/token`;
  const { status, body } = await cluster.request("POST", path, {
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        expirationSeconds: serviceAccountToken.expirationSeconds,
        boundObjectRef: { apiVersion: "v1", ...boundTo },
      },
    },
  });
  if (status !== 201) throw new Error(`no token: ${JSON.stringify(body)}`);
  return body.status.token;
}
