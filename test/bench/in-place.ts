import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gapLine, parseGaps } from "../kubelet/proxy-gap.ts";

/** The seconds that each pod had no ready sidecar while its sidecar was replaced in place. */
export interface ProxyGaps {
  readonly gaps: readonly { readonly pod: string; readonly seconds: number }[];
  /** The reason why this machine cannot run a real kubelet; `undefined` if it can. */
  readonly skipped: string | undefined;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TEST = "get new sidecars, and no application restarts";

/**
 * Replaces sidecars in place on a real kubelet, by the test that measures how long they are not ready.
 *
 * @throws if the test fails.
 */
export async function measureProxyGaps(): Promise<ProxyGaps> {
  const args = ["run", "test:kubelet", "--", "in-place", "--testNamePattern", TEST];
  const { stdout } = await promisify(execFile)("npm", args, {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1" },
    maxBuffer: 64 * 1024 ** 2,
  });
  const gaps = parseGaps(stdout);
  const skipped = /^test:kubelet: skipped: (.+)$/m.exec(stdout)?.[1];
  if (gaps.length === 0 && skipped === undefined) throw new Error("no pod was measured");
  return { gaps, skipped };
}

export function proxyGapLines({ gaps, skipped }: ProxyGaps): string {
  if (skipped !== undefined) return `in place: not measured: ${skipped}`;
  return gaps.map(({ pod, seconds }) => gapLine(pod, seconds)).join("\n");
}
