import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load as parseYaml } from "js-yaml";
import type { TestCluster } from "../support/test-cluster.ts";
import { type Proxy, startProxy } from "./proxy.ts";

/** A cluster behind a proxy. */
export interface ProxiedCluster<Started = Proxy> {
  readonly proxy: Started;
  readonly kubeconfig: string;
  readonly close: () => Promise<void>;
}

export function openProxiedCluster(
  cluster: Pick<TestCluster, "kubeconfig">,
): Promise<ProxiedCluster> {
  return openThroughProxy(cluster, startProxy);
}

/**
 * Opens a cluster through a proxy of any kind.
 *
 * @param start starts the proxy, given the address and the authority of the API server.
 */
export async function openThroughProxy<Started extends Pick<Proxy, "url" | "authorities" | "stop">>(
  cluster: Pick<TestCluster, "kubeconfig">,
  start: (target: string, ca: string) => Promise<Started>,
): Promise<ProxiedCluster<Started>> {
  const text = await readFile(cluster.kubeconfig, "utf8");
  // oxlint-disable-next-line typescript/no-explicit-any -- a kubeconfig that the tests wrote
  const config = parseYaml(text) as any;
  const [{ name, cluster: direct }] = config.clusters;
  const ca = Buffer.from(direct["certificate-authority-data"], "base64").toString();
  const proxy = await start(direct.server, ca);
  const through = {
    server: proxy.url,
    "certificate-authority-data": Buffer.from(proxy.authorities).toString("base64"),
  };
  const folder = await mkdtemp(join(tmpdir(), "istio-upgrade-faults-"));
  const kubeconfig = join(folder, "kubeconfig");
  const content = JSON.stringify({ ...config, clusters: [{ name, cluster: through }] });
  await writeFile(kubeconfig, content, { mode: 0o600 });
  return {
    proxy,
    kubeconfig,
    close: async () => {
      await proxy.stop();
      await rm(folder, { recursive: true });
    },
  };
}
