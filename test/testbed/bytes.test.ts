import { afterAll, beforeAll, expect } from "vitest";
import { eventually, test } from "../contract/sandbox.ts";
import { deployment } from "../support/manifests.ts";
import { startRelay } from "../support/relay.ts";
import { runProgram } from "../support/run-program.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = { name: "asm-1-58", image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.58.1-1" };
const PODS = 60;

let cluster: RealCluster;
beforeAll(() => {
  cluster = openRealCluster();
});
afterAll(() => cluster.stop());

/** Returns the number of bytes that the API server sends during a command. */
async function bytesOf(args: readonly string[], encoding: string): Promise<number> {
  const relay = await startRelay(cluster.kubeconfig);
  try {
    const env = { KUBECONFIG: relay.kubeconfig, ISTIO_UPGRADE_ENCODING: encoding };
    expect((await runProgram(args, env)).stderr).toContain("RESULT exit=0");
    return relay.bytes();
  } finally {
    await relay.stop();
  }
}

test("check transfers a small part of the pods' bytes", async ({ enter }) => {
  await cluster.installRevision(REVISION);
  const labels = { "istio.io/rev": REVISION.name };
  const [without, sandbox] = [await enter(labels), await enter(labels)];
  await sandbox.create("deployments", deployment("web", { replicas: PODS }));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(PODS));
  const { body } = await cluster.request("GET", sandbox.path("pods"));
  const whole = JSON.stringify(body).length;

  // Both numbers include the injection rules, about 80 kB per revision.
  const bytesOfPods = async (encoding: string) =>
    (await bytesOf(["check", "-n", sandbox.name], encoding)) -
    (await bytesOf(["check", "-n", without.name], encoding));
  const [protobuf, json] = [await bytesOfPods("protobuf"), await bytesOfPods("json")];
  process.stdout.write(`bytes: ${protobuf} by check, ${json} with JSON, ${whole} of its pods\n`);
  expect(protobuf).toBeLessThan(whole / 10);
  expect(protobuf).toBeLessThan(json);
});
