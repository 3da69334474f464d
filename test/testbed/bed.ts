/**
 * The process that runs a bed: it leads the process group of all programs and holds the tunnel.
 * It lives as long as the process that started it holds the channel open; when it ends, however it
 * ends, the reaper ends the rest. Arguments: the folder to make, the programs as JSON.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BedAddress } from "./address.ts";
import { startArgoRollouts } from "./argo-rollouts.ts";
import { takeOrders, type Orders } from "./control.ts";
import { startControlPlane } from "./control-plane.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import type { Programs } from "./programs.ts";
import { startReaper } from "./reaper.ts";
import { keepRevisions } from "./revisions.ts";
import { removeTag, setTag } from "./tags.ts";
import { openTunnel } from "./tunnel.ts";
import { createUser } from "./users.ts";

/** What the bed's process tells the one that started it. */
export type BedMessage = { readonly ready: BedAddress } | { readonly failed: string };

process.on("disconnect", end);
if (!process.connected) end();
try {
  const [path = "", paths = "{}"] = process.argv.slice(2);
  startReaper(path);
  mkdirSync(path, { mode: 0o700 });
  tell({ ready: await startBed(path, JSON.parse(paths) as Programs) });
} catch (error) {
  tell({ failed: (error as Error).message });
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
  const revisions = keepRevisions({ folder, programs, kubeconfig: ownKubeconfig, api, tunnel });
  const argoKubeconfig = join(folder, "argo.kubeconfig");
  await writeKubeconfig(argoKubeconfig, server, ca, identities.argo);
  let argo: Promise<void> | undefined;
  const { istioctl } = programs;
  const orders: Orders = {
    installRevision: (revision) => revisions.install(revision),
    removeRevision: (revision) => revisions.remove(revision),
    moveImage: (revision, image) => revisions.moveImage(revision, image),
    setTag: (tag, revision) => setTag({ folder, istioctl, api }, revisions, tag, revision),
    removeTag: (tag) => removeTag(api, tag),
    breakRevision: async (revision) => revisions.break(revision),
    mendRevision: async (revision) => revisions.mend(revision),
    installArgoRollouts: () =>
      (argo ??= startArgoRollouts(folder, programs["rollouts-controller"], argoKubeconfig, api)),
    userKubeconfig: (user, rules) => createUser({ folder, server, ca, api }, user, rules),
  };
  const control = join(folder, "control.sock");
  await takeOrders(control, orders);
  return { folder, kubeconfig, server, ca, token: identities.admin, auditLog, control, programs };
}

/** There is nothing to do at the end that the reaper would not do. */
function end(): void {
  process.kill(process.pid, "SIGKILL");
}

function tell(message: BedMessage): void {
  process.send?.(message);
}
