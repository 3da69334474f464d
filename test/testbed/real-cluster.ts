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
import { giveOrders } from "./control.ts";
import type { Programs } from "./programs.ts";

export interface RealCluster extends TestCluster {
  readonly kind: "real";
  /** Plain data with which another process can `connectRealCluster`. */
  readonly address: BedAddress;
  /** Absolute paths, `kubectl` and `istioctl` among them. */
  readonly programs: Programs;
  /** JSON lines, level Metadata, without the bed's own components. */
  readonly auditLog: string;
  /** Takes away all that `installRevision` made. Tags stay behind. */
  removeRevision(revision: string): Promise<void>;
  /** Its webhook cannot be reached from now on: pods that it matches cannot be created. */
  breakRevision(revision: string): Promise<void>;
  mendRevision(revision: string): Promise<void>;
}

/**
 * Starts a real control plane, building it first where it was not yet. It ends with `stop`, or
 * with this process, whatever ends that; neither a process nor a file is left behind.
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
  // A process that forgets to stop its bed can still end.
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

/** The bed that another process started. Here `stop` only closes this process's connections. */
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
    ...giveOrders(control),
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

/** The folder is the last thing that goes. */
async function stopBed(bed: ChildProcess, folder: string): Promise<void> {
  if (bed.connected) bed.disconnect();
  for (let tries = 0; tries < 200; tries++) {
    if (!existsSync(folder)) return;
    await sleep(50);
  }
  throw new Error(`The test bed did not go; look at ${folder}.`);
}
