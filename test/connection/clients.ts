import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { COMMAND } from "../support/run-program.ts";
import type { Case, Expected } from "./case.ts";

/** A program that connects to a cluster by a kubeconfig. */
export interface Client {
  readonly name: string;
  /** The program and its first arguments; the flags of the case follow. */
  readonly command: readonly string[];
  /** The milliseconds after which a run has failed. */
  readonly timeout: number;
  expected(this: void, one: Case): Expected;
  /** True if a refusal must have the message in the case. Other clients have messages of their own. */
  readonly hasOurMessages: boolean;
}

export const OURS: Client = {
  name: "istio-upgrade",
  command: [...COMMAND, "explain", "pod/x", "--prove=never"],
  timeout: 45_000,
  expected: (one) => one.expect,
  hasOurMessages: true,
};

export function kubectl(program: string): Client {
  return {
    name: "kubectl",
    command: [program, "auth", "can-i", "list", "pods"],
    timeout: 45_000,
    expected: (one) => one.kubectl ?? one.expect,
    hasOurMessages: false,
  };
}

/** Bundles the small program around client-node, so that a run starts fast. */
export async function clientNode(): Promise<Client> {
  const bundle = join(mkdtempSync(join(tmpdir(), "client-node-")), "client-node.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("client-node.ts", import.meta.url))],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
    banner: {
      js: "import{createRequire as _r}from'node:module';const require=_r(import.meta.url);",
    },
  });
  return {
    name: "client-node",
    command: [process.execPath, bundle],
    timeout: 10_000,
    expected: (one) => one.expect,
    hasOurMessages: false,
  };
}
