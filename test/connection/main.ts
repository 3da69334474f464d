/**
 * `npm run connection`: runs each case with our program, with client-node, and with kubectl if it is
 * built. Prints the table to stdout, and each mistake to stderr.
 */
import { CASES } from "./cases.ts";
import { type Client, clientNode, kubectl, OURS } from "./clients.ts";
import { compareClient, comparisonTable, mistakes } from "./compare.ts";
import { builtProgram } from "../testbed/build.ts";
import { openBench, runnableCases } from "./run.ts";

const groups = runnableCases(CASES);

async function compared(client: Client) {
  const bench = await openBench();
  try {
    return await compareClient(bench, client, groups);
  } finally {
    await bench.stop();
  }
}

const program = await builtProgram("kubectl");
if (program === undefined) process.stderr.write("without kubectl: the test bed is not built\n");
const clients = [OURS, await clientNode(), ...(program === undefined ? [] : [kubectl(program)])];
const all = (await Promise.all(clients.map(compared))).flat();
process.stderr.write(mistakes(all));
process.stdout.write(`${comparisonTable(all)}\n`);
