import { fork, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { TestCluster } from "../support/test-cluster.ts";
import type { BedAddress } from "./address.ts";
import { connectApi } from "./api.ts";
import type { BedMessage } from "./bed.ts";
import { buildPrograms } from "./build.ts";
import { createCommandClient } from "./bed-commands.ts";
import type { Programs } from "./programs.ts";

export interface RealCluster extends TestCluster {
  readonly kind: "real";
  /** Plain data for `connectRealCluster` in another process. */
  readonly address: BedAddress;
  /** The absolute paths of the programs, `kubectl` and `istioctl` among them. */
  readonly programs: Programs;
  /**
   * The path of the audit log: JSON lines of the level Metadata, without the bed's own components.
   */
  readonly auditLog: string;
  /**
   * Makes the revision's webhook unreachable, so that the pods that it selects cannot be created.
   */
  breakRevision(revision: string): Promise<void>;
  restoreRevision(revision: string): Promise<void>;
  /** Removes all revisions and tags. */
  removeControlPlanes(): Promise<void>;
}

/**
 * Starts a real control plane, and builds it first if necessary. It ends with `stop` or with this
 * process, for any reason, and leaves neither a process nor a file.
 */
export async function startRealCluster(): Promise<RealCluster> {
  const programs = await buildPrograms();
  const folder = join(tmpdir(), `istio-upgrade-testbed-${randomBytes(4).toString("hex")}`);
  const bed = fork(
    fileURLToPath(new URL("bed.ts", import.meta.url)),
    [folder, JSON.stringify(programs)],
    {
      cwd: "/",
      detached: true,
      execArgv: ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    },
  );
  const message = await firstMessage(bed);
  if ("failed" in message) {
    await stopBed(bed, folder);
    throw new Error(`The test bed did not start: ${message.failed}`);
  }
  // The bed does not keep this process alive.
  bed.unref();
  bed.channel?.unref();
  const cluster = connectRealCluster(message.ready);
  return {
    ...cluster,
    async stop() {
      await cluster.stop();
      await stopBed(bed, folder);
    },
  };
}

/**
 * Connects to a bed that another process started. `stop` only closes the connections of this
 * process.
 */
export function connectRealCluster(address: BedAddress): RealCluster {
  const { kubeconfig, programs, auditLog, server, ca, token, control } = address;
  const api = connectApi(server, ca, token, "istio-upgrade-test");
  return {
    kind: "real",
    address,
    kubeconfig,
    programs,
    auditLog,
    request: api.request,
    ...createCommandClient(control),
    async stop() {
      api.close();
    },
  };
}

function firstMessage(bed: ChildProcess): Promise<BedMessage> {
  return new Promise((resolve, reject) => {
    bed.once("message", (message) => resolve(message as BedMessage));
    bed.once("error", reject);
    bed.once("exit", () => resolve({ failed: "its process ended" }));
  });
}

/** Stops the bed and waits until its folder, which is removed last, is gone. */
async function stopBed(bed: ChildProcess, folder: string): Promise<void> {
  if (bed.connected) bed.disconnect();
  for (let tries = 0; tries < 200; tries++) {
    if (!existsSync(folder)) return;
    await sleep(50);
  }
  throw new Error(`The test bed did not end; see ${folder}.`);
}
