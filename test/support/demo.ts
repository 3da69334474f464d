import { installBookinfo, WALKTHROUGH } from "./bookinfo.ts";
import { startEmbeddedCluster } from "./embedded/cluster.ts";
import { runVisibly } from "./run-program.ts";

/** `npm run demo`: shows the main job on the embedded cluster. */
const cluster = await startEmbeddedCluster();
try {
  await installBookinfo(cluster);
  for (const [args, expected] of WALKTHROUGH) {
    process.stdout.write(`\n$ istio-upgrade ${args.join(" ")}\n`);
    const status = await runVisibly(args, { KUBECONFIG: cluster.kubeconfig });
    process.stdout.write(`(exit code ${status})\n`);
    if (status !== expected) throw new Error(`expected exit code ${expected}`);
  }
} finally {
  await cluster.stop();
}
