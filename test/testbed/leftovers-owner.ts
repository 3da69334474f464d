/**
 * A process that starts a bed and never stops it. `leftovers.test.ts` ends the process in different
 * ways.
 */
import { startRealCluster } from "./real-cluster.ts";

const { address } = await startRealCluster();
process.stdout.write(`${address.folder}\n`);
if (process.argv[2] === "throw") throw new Error("on purpose");
setInterval(() => undefined, 1000);
