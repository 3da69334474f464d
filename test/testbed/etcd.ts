import { join } from "node:path";
import { startChild, type Child } from "./child.ts";

/** Starts etcd without syncing to disk, because no data outlives the bed. */
export function startEtcd(
  folder: string,
  program: string,
  [port, peerPort]: readonly [number, number],
): Child {
  const url = `http://127.0.0.1:${port}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  return startChild(folder, "etcd", program, [
    "--name=bed",
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=bed=${peerUrl}`,
    "--unsafe-no-fsync",
    `--quota-backend-bytes=${8 * 1024 ** 3}`,
    "--log-level=warn",
  ]);
}
