import { request } from "node:http";
import type { Sandbox } from "../contract/sandbox.ts";

/** The milliseconds between two questions to a sidecar. */
const INTERVAL = 20;

/** The milliseconds after which a question counts as not answered. */
const PATIENCE = 1000;

/** Asks the sidecars of pods whether they are ready, again and again. */
export interface GapMeter {
  /** Stops, and returns the longest time without a ready sidecar in milliseconds, by pod. */
  stop(): Promise<ReadonlyMap<string, number>>;
}

/** Returns the line that a test prints about a pod. */
export function gapLine(pod: string, seconds: number): string {
  return `in place: ${pod}: ${seconds.toFixed(1)} s without a ready proxy`;
}

/** Returns the pods and their seconds from the lines in an output. */
export function parseGaps(output: string): readonly { pod: string; seconds: number }[] {
  const lines = output.matchAll(/^in place: (\S+): ([\d.]+) s without a ready proxy$/gm);
  return [...lines].map(([, pod = "", seconds]) => ({ pod, seconds: Number(seconds) }));
}

/** Measures from the node itself, so that no kubelet and no API server delays the result. */
export async function measureGaps(sandbox: Sandbox): Promise<GapMeter> {
  const longest = new Map<string, number>();
  const pods = (await sandbox.pods()).map(({ metadata, status }) => ({
    name: String(metadata.name),
    address: String(status.podIP),
  }));
  const stop = new AbortController();
  const loops = pods.map(async ({ name, address }) => {
    let readyAt = Date.now();
    longest.set(name, 0);
    while (!stop.signal.aborted) {
      const askedAt = Date.now();
      if (await isReady(address)) {
        longest.set(name, Math.max(longest.get(name) ?? 0, askedAt - readyAt));
        readyAt = Date.now();
      }
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    }
  });
  return {
    async stop() {
      stop.abort();
      await Promise.all(loops);
      return longest;
    },
  };
}

function isReady(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(
      { host: address, port: 15_021, path: "/healthz/ready", timeout: PATIENCE },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      },
    );
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.end();
  });
}
