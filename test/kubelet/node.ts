import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { TestCluster } from "../support/test-cluster.ts";
import { type Child, endChild, runToEnd, startChild, waitUntil } from "../testbed/child.ts";
import { PAUSE } from "./image.ts";
import { bridgeName, nodeAddress, podNetwork } from "./namespaces.ts";

export interface NodeSettings {
  /** The folder of Debian's packages. */
  readonly packages: string;
  /** The path of the kubelet. */
  readonly kubelet: string;
  /** The control group of all containers. */
  readonly controlGroup: string;
}

/** The name of the real node, and the key of its taint. */
export const REAL_NODE = "real-kubelet";

/** The fields of a pod's `spec` that place it on the real node, and only there. */
export const ON_REAL_NODE = {
  nodeSelector: { "kubernetes.io/hostname": REAL_NODE },
  tolerations: [{ key: REAL_NODE, operator: "Exists" }],
};

/** A path below the `/run` of the namespaces. A socket's path must be short. */
const SOCKET = "/run/containerd.sock";

/**
 * Starts containerd and a kubelet, and resolves once the node is ready. The containers end with the
 * namespaces.
 *
 * @param registry the URL of the registry of all images.
 * @returns a function that stops both.
 */
export async function startNode(
  folder: string,
  settings: NodeSettings,
  cluster: TestCluster,
  registry: string,
): Promise<() => Promise<void>> {
  const containerd = await startContainerd(folder, settings, registry);
  const kubelet = await startKubelet(folder, settings, cluster);
  return async () => {
    await endChild(kubelet);
    await endChild(containerd);
  };
}

async function startContainerd(
  folder: string,
  { packages }: NodeSettings,
  registry: string,
): Promise<Child> {
  const file = (name: string) => join(folder, "containerd", name);
  await mkdir(file("hosts/_default"), { recursive: true });
  await mkdir(file("networks"), { recursive: true });
  await writeFile(file("hosts/_default/hosts.toml"), registryHosts(registry));
  await writeFile(file("networks/10-bridge.conflist"), JSON.stringify(network(file("addresses"))));
  await writeFile(
    file("config.toml"),
    `version = 2
root = "${file("root")}"
state = "/run/containerd"
[grpc]
address = "${SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
path = "${file("opt")}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.test/${PAUSE}:1"
# A sandbox without CAP_SYS_RESOURCE may not lower the score.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "${packages}/usr/lib/cni"
conf_dir = "${file("networks")}"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "${file("hosts")}"
`,
  );
  const path = ["usr/bin", "usr/sbin"].map((name) => join(packages, name)).join(":");
  const program = join(packages, "usr/bin/containerd");
  const child = startChild(
    folder,
    "containerd",
    program,
    ["--config", file("config.toml"), "--log-level", "warn"],
    { env: { PATH: `${path}:${process.env["PATH"] ?? ""}` } },
  );
  const ctr = join(packages, "usr/bin/ctr");
  const answers = async () => (await runToEnd(folder, ctr, ["-a", SOCKET, "version"])) !== "";
  await waitUntil("containerd", answers, child);
  return child;
}

/** Sends the pulls of all images to one registry. */
function registryHosts(registry: string): string {
  return `server = "${registry}"
[host."${registry}"]
capabilities = ["pull", "resolve"]
`;
}

/** The network of the pods, which only the node reaches. */
function network(addresses: string): unknown {
  return {
    cniVersion: "0.4.0",
    name: "pods",
    plugins: [
      {
        type: "bridge",
        bridge: bridgeName(),
        isGateway: true,
        ipam: {
          type: "host-local",
          dataDir: addresses,
          ranges: [[{ subnet: podNetwork(), gateway: nodeAddress() }]],
        },
      },
    ],
  };
}

async function startKubelet(
  folder: string,
  { kubelet, controlGroup }: NodeSettings,
  cluster: TestCluster,
): Promise<Child> {
  const file = (name: string) => join(folder, "kubelet", name);
  await mkdir(file(""), { recursive: true });
  await writeFile(file("config.yaml"), stringify(configuration(file, controlGroup)));
  const everything = { apiGroups: ["*"], resources: ["*"], verbs: ["*"] };
  const child = startChild(folder, "kubelet", kubelet, [
    `--config=${file("config.yaml")}`,
    `--kubeconfig=${await cluster.userKubeconfig("kubelet", [everything])}`,
    `--hostname-override=${REAL_NODE}`,
    `--node-ip=${nodeAddress()}`,
    `--root-dir=${file("root")}`,
    `--cert-dir=${file("certificates")}`,
  ]);
  const ready = async () => {
    const { body } = await cluster.request("GET", `/api/v1/nodes/${REAL_NODE}`);
    const conditions: { type: string; status: string }[] = body.status?.conditions ?? [];
    return conditions.some(({ type, status }) => type === "Ready" && status === "True");
  };
  await waitUntil("the kubelet", ready, child);
  return child;
}

/** The settings that make a kubelet run in a sandbox; all others are the defaults. */
function configuration(file: (name: string) => string, controlGroup: string): unknown {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    address: "127.0.0.1",
    containerRuntimeEndpoint: `unix://${SOCKET}`,
    podLogsDir: file("logs"),
    volumePluginDir: file("plugins"),
    resolvConf: "",
    clusterDNS: [nodeAddress()],
    registerWithTaints: [{ key: REAL_NODE, effect: "NoSchedule" }],
    maxPods: 250,
    serializeImagePulls: false,
    // The control groups of a sandbox.
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${controlGroup}`,
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    makeIPTablesUtilChains: false,
    // The machine's disk and memory are not a subject of the tests.
    evictionHard: {
      "imagefs.available": "0%",
      "memory.available": "0%",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
    },
  };
}
