/**
 * The process of a test bed. It leads the process group of all programs and owns the tunnel. It
 * lives until its parent closes the channel. When it ends for any reason, the reaper ends the other
 * processes. The arguments are the folder to create and the programs as JSON.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BedAddress } from "./address.ts";
import { startArgoRollouts } from "./argo-rollouts.ts";
import { serveCommands, type BedCommands } from "./bed-commands.ts";
import { startControlPlane } from "./control-plane.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import type { Programs } from "./programs.ts";
import { startReaper } from "./reaper.ts";
import { createRevisions } from "./revisions.ts";
import { removeTag, setTag } from "./tags.ts";
import { openTunnel } from "./tunnel.ts";
import { createUser } from "./users.ts";

/** A message of the bed's process to its parent. */
export type BedMessage = { readonly ready: BedAddress } | { readonly failed: string };

process.on("disconnect", end);
if (!process.connected) end();
try {
  const [path = "", paths = "{}"] = process.argv.slice(2);
  startReaper(path);
  mkdirSync(path, { mode: 0o700 });
  send({ ready: await startBed(path, JSON.parse(paths) as Programs) });
} catch (error) {
  send({ failed: (error as Error).message });
}

async function startBed(folder: string, programs: Programs): Promise<BedAddress> {
  const webhookSocket = join(folder, "webhooks.sock");
  const tunnel = await openTunnel(webhookSocket);
  const { api, apiServer } = await startControlPlane(folder, programs, webhookSocket);
  const { server, ca, identities, auditLog } = apiServer;
  const kubeconfig = join(folder, "kubeconfig");
  await writeKubeconfig(kubeconfig, server, ca, identities.admin);
  const ownKubeconfig = join(folder, "istiod.kubeconfig");
  await writeKubeconfig(ownKubeconfig, server, ca, identities.istiod);
  const revisions = createRevisions({ folder, programs, kubeconfig: ownKubeconfig, api, tunnel });
  const argoKubeconfig = join(folder, "argo.kubeconfig");
  await writeKubeconfig(argoKubeconfig, server, ca, identities.argo);
  let argo: Promise<void> | undefined;
  const { istioctl } = programs;
  const tags = new Set<string>();
  const commands: BedCommands = {
    installRevision: (revision) => revisions.install(revision),
    removeRevision: (revision) => revisions.remove(revision),
    moveImage: (revision, image) => revisions.moveImage(revision, image),
    setTag: async (tag, revision) => {
      tags.add(tag);
      await setTag({ folder, istioctl, api }, revisions, tag, revision);
    },
    removeTag: (tag) => removeTag(api, tag),
    removeControlPlanes: async () => {
      for (const tag of tags) await removeTag(api, tag);
      tags.clear();
      await revisions.clear();
    },
    breakRevision: async (revision) => revisions.break(revision),
    restoreRevision: async (revision) => revisions.restore(revision),
    installArgoRollouts: () =>
      (argo ??= startArgoRollouts(folder, programs["rollouts-controller"], argoKubeconfig, api)),
    userKubeconfig: (user, rules) => createUser({ folder, server, ca, api }, user, rules),
  };
  const control = join(folder, "control.sock");
  await serveCommands(control, commands);
  return { folder, kubeconfig, server, ca, token: identities.admin, auditLog, control, programs };
}

/** Ends this process. The reaper does everything else. */
function end(): void {
  process.kill(process.pid, "SIGKILL");
}

function send(message: BedMessage): void {
  process.send?.(message);
}
