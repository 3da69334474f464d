/**
 * `npm run cluster` starts a real cluster to try the program on. Bookinfo runs with outdated sidecars,
 * and its revision already injects a newer version. The cluster runs until Ctrl-C.
 */
import { join } from "node:path";
import { BuildError, istioSources } from "./build.ts";
import { startRealCluster, type RealCluster } from "./real-cluster.ts";
import { runToEnd } from "./child.ts";

const PROXY = "mcr.microsoft.com/oss/v2/istio/proxyv2";
const REVISION = "asm-1-27";
const OLD = "v1.27.7-1";
const NEW = "v1.27.9-6";

try {
  const bookinfo = join(await istioSources(), "samples/bookinfo/platform/kube/bookinfo.yaml");
  say("Starting a cluster ...");
  const cluster = await startRealCluster();
  const asked = new AbortController();
  const stopped = stopOnSignal(cluster, asked);
  try {
    await fill(cluster, bookinfo);
    say(instructions(cluster));
  } catch (error) {
    if (!asked.signal.aborted) throw error;
  }
  await stopped;
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function fill(cluster: RealCluster, bookinfo: string): Promise<void> {
  const kubectl = (...args: string[]) =>
    runToEnd(cluster.address.folder, cluster.programs.kubectl, [...args, "-n", "default"]);
  say(`Installing revision ${REVISION} ...`);
  await cluster.installRevision({ name: REVISION, image: `${PROXY}:${OLD}` });
  say("Installing Bookinfo ...");
  await kubectl("label", "namespace", "default", `istio.io/rev=${REVISION}`);
  await kubectl("apply", "-f", bookinfo);
  await kubectl("wait", "deployment", "--all", "--for=condition=Available", "--timeout=60s");
  await cluster.moveImage(REVISION, `${PROXY}:${NEW}`);
}

function instructions({ kubeconfig, programs }: RealCluster): string {
  return `
Bookinfo runs in the namespace default with sidecars of ${OLD}; its revision ${REVISION} now
injects ${NEW}. In another terminal, in this folder:

  export KUBECONFIG=${kubeconfig}

  npx istio-upgrade check        (or: node bin/istio-upgrade.js check)

kubectl:  ${programs.kubectl}
istioctl: ${programs.istioctl}

Ctrl-C stops it and leaves nothing behind.
`;
}

/** Resolves after a signal, once the cluster is gone. A second Ctrl-C has no effect. */
function stopOnSignal(cluster: RealCluster, asked: AbortController): Promise<void> {
  return new Promise((resolve, reject) => {
    const alive = setInterval(() => undefined, 2 ** 30);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => {
        if (asked.signal.aborted) return;
        asked.abort();
        say("\nStopping ...");
        clearInterval(alive);
        cluster.stop().then(resolve, reject);
      });
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
