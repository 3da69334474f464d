import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { startFront } from "./front.ts";
import { generator } from "./generate.ts";
import type { PlainBed } from "./plain-bed.ts";

/** Several clusters of equal size. */
export interface FleetBed {
  /** The path of a kubeconfig with the contexts `cluster-0`, `cluster-1` and so on. */
  readonly kubeconfig: string;
  stop(): void;
}

/** Starts servers that generate the lists of clusters with `pods` pods each. */
export async function startFleet(bed: PlainBed, clusters: number, pods: number): Promise<FleetBed> {
  const generate = await generator(bed, pods);
  const indices = Array.from({ length: clusters }, (_, index) => index);
  const fronts = await Promise.all(indices.map(() => startFront(bed, generate)));
  const kubeconfig = join(bed.folder, "fleet.kubeconfig");
  const content = {
    clusters: fronts.map(({ url, ca }, index) => ({
      name: `cluster-${index}`,
      cluster: { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") },
    })),
    users: [{ name: "bench", user: { token: bed.token } }],
    contexts: indices.map((index) => ({
      name: `cluster-${index}`,
      context: { cluster: `cluster-${index}`, user: "bench" },
    })),
  };
  await writeFile(kubeconfig, stringify(content), { mode: 0o600 });
  return {
    kubeconfig,
    stop: () => {
      for (const front of fronts) front.stop();
    },
  };
}
