/**
 * A process that runs an API server and its store without controllers, to hold thousands of objects.
 * It ends with the process that started it. Arguments: the folder to create, the programs as JSON.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startApiServer } from "../testbed/apiserver.ts";
import { startEtcd } from "../testbed/etcd.ts";
import { writeKubeconfig } from "../testbed/kubeconfig.ts";
import { freePorts } from "../testbed/ports.ts";
import type { Programs } from "../testbed/programs.ts";
import { startReaper } from "../testbed/reaper.ts";

export interface PlainBed {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly server: string;
  readonly ca: string;
  readonly token: string;
}

process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
const [folder = "", programsAsJson = "{}"] = process.argv.slice(2);
const programs = JSON.parse(programsAsJson) as Programs;
startReaper(folder);
mkdirSync(join(folder, "apiserver"), { recursive: true, mode: 0o700 });
const [etcd = 0, peer = 0, port = 0] = await freePorts(3);
startEtcd(folder, programs.etcd, [etcd, peer]);
const webhooks = join(folder, "webhooks.sock");
const { server, ca, identities } = await startApiServer(
  folder,
  programs["kube-apiserver"],
  { api: port, etcd },
  webhooks,
);
const kubeconfig = join(folder, "kubeconfig");
await writeKubeconfig(kubeconfig, server, ca, identities.admin);
const bed: PlainBed = { folder, kubeconfig, server, ca, token: identities.admin };
process.send?.(bed);
