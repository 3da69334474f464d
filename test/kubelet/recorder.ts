import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import type { V1Pod } from "@kubernetes/client-node";
import { vi } from "vitest";
import type { BedAddress } from "../testbed/address.ts";

/** A version of a pod, as the API server published it. */
export interface PodVersion {
  /** The milliseconds since the epoch. */
  readonly at: number;
  readonly pod: V1Pod;
}

export interface Recorder {
  /** Returns the versions of all pods whose names have the prefix, the oldest first. */
  versions(prefix: string): readonly PodVersion[];
  /**
   * Resolves with the versions once `isComplete` accepts them.
   *
   * @throws after `seconds`.
   */
  until(
    prefix: string,
    isComplete: (versions: readonly PodVersion[]) => boolean,
    seconds: number,
  ): Promise<readonly PodVersion[]>;
  close(): void;
}

/** Records the pods of a namespace with a watch, which misses no version. */
export async function recordPods(address: BedAddress, namespace: string): Promise<Recorder> {
  const recorded: PodVersion[] = [];
  const agent = new Agent({ ca: address.ca });
  const outgoing = request(`${address.server}/api/v1/namespaces/${namespace}/pods?watch=true`, {
    agent,
    headers: { Authorization: `Bearer ${address.token}` },
  });
  outgoing.end();
  await new Promise<void>((done, failed) => {
    outgoing.on("error", failed).on("response", (incoming) => {
      const lines = createInterface({ input: incoming });
      incoming.on("error", () => lines.close()); // `close` was called.
      lines.on("error", () => undefined);
      lines.on("line", (line) => {
        const { object } = JSON.parse(line) as { readonly object: V1Pod };
        recorded.push({ at: Date.now(), pod: object });
      });
      done();
    });
  });
  const versions = (prefix: string) =>
    recorded.filter(({ pod }) => pod.metadata?.name?.startsWith(prefix));
  return {
    versions,
    async until(prefix, isComplete, seconds) {
      const missing = `not seen in ${seconds} s`;
      await vi.waitFor(
        () => {
          if (!isComplete(versions(prefix))) throw new Error(missing);
        },
        { timeout: seconds * 1000, interval: 100 },
      );
      return versions(prefix);
    },
    close() {
      outgoing.destroy();
      agent.destroy();
    },
  };
}
