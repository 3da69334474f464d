export type ProgramName =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl"
  | "kwok"
  | "istioctl"
  | "pilot-discovery"
  | "rollouts-controller";

/** The absolute paths of the programs. */
export type Programs = Readonly<Record<ProgramName, string>>;

/** A Go module in this folder. It has no code, only the versions of the programs to build. */
export interface GoModule {
  readonly folder: "kubernetes" | "istio" | "argo";
  /** The environment variable that names a folder with the programs, if they exist already. */
  readonly assets: "KUBEBUILDER_ASSETS" | "ISTIO_ASSETS" | "ARGO_ROLLOUTS_ASSETS";
  readonly packages: Readonly<Partial<Record<ProgramName, string>>>;
  readonly ldflags: string;
}

export const MODULES: readonly GoModule[] = [
  {
    folder: "kubernetes",
    assets: "KUBEBUILDER_ASSETS",
    packages: {
      etcd: "go.etcd.io/etcd/server/v3",
      "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
      "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
      "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
      kubectl: "k8s.io/kubernetes/cmd/kubectl",
      kwok: "sigs.k8s.io/kwok/cmd/kwok",
    },
    ldflags: linkerFlags("k8s.io/component-base/version", {
      gitVersion: "v1.36.3",
      gitMajor: "1",
      gitMinor: "36",
    }),
  },
  {
    folder: "istio",
    assets: "ISTIO_ASSETS",
    packages: {
      istioctl: "istio.io/istio/istioctl/cmd/istioctl",
      "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
    },
    ldflags: linkerFlags("istio.io/istio/pkg/version", { buildVersion: "1.31.0" }),
  },
  {
    folder: "argo",
    assets: "ARGO_ROLLOUTS_ASSETS",
    packages: {
      "rollouts-controller": "github.com/argoproj/argo-rollouts/cmd/rollouts-controller",
    },
    ldflags: linkerFlags("github.com/argoproj/argo-rollouts/utils/version", {}),
  },
];

/** Returns linker flags that omit symbols and set the versions that the programs report. */
function linkerFlags(path: string, values: Readonly<Record<string, string>>): string {
  const settings = Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`);
  return ["-s", "-w", ...settings].join(" ");
}
