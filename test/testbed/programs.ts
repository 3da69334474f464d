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

/** The program that only the tests with a real node need. */
export type NodeProgramName = "kubelet";

/** The program that only the test of the metrics needs. */
export type MetricsProgramName = "promcheck";

/** The program that only the test of the Workflow needs. */
export type WorkflowProgramName = "workflow-controller";

/** Any program that is built from the Go modules in this folder. */
export type AnyProgramName =
  | ProgramName
  | NodeProgramName
  | MetricsProgramName
  | WorkflowProgramName;

/** A Go module in this folder: the versions of the programs to build. */
export interface GoModule {
  readonly folder: "kubernetes" | "istio" | "argo" | "argo-workflows" | "prometheus";
  /** The files of the folder that determine the build. */
  readonly files: readonly string[];
  /** The environment variable that names a folder with the programs, if they exist already. */
  readonly assets:
    | "KUBEBUILDER_ASSETS"
    | "ISTIO_ASSETS"
    | "ARGO_ROLLOUTS_ASSETS"
    | "ARGO_WORKFLOWS_ASSETS"
    | "KUBELET_ASSETS"
    | "PROMETHEUS_ASSETS";
  readonly packages: Readonly<Partial<Record<AnyProgramName, string>>>;
  readonly ldflags: string;
}

const VERSIONS = ["go.mod", "go.sum"] as const;

const KUBERNETES_FLAGS = linkerFlags("k8s.io/component-base/version", {
  gitVersion: "v1.36.3",
  gitMajor: "1",
  gitMinor: "36",
});

/** The kubelet, from the same versions as the control plane. It needs no other modules. */
export const KUBELET_MODULE: GoModule = {
  folder: "kubernetes",
  files: VERSIONS,
  assets: "KUBELET_ASSETS",
  packages: { kubelet: "k8s.io/kubernetes/cmd/kubelet" },
  ldflags: KUBERNETES_FLAGS,
};

/** A program that checks metrics and alert rules by the libraries of promtool. */
export const PROMETHEUS_MODULE: GoModule = {
  folder: "prometheus",
  files: [...VERSIONS, "main.go"],
  assets: "PROMETHEUS_ASSETS",
  packages: { promcheck: "." },
  ldflags: "-s -w",
};

/** The controller that runs the Workflow of deploy/fleet/argo. */
export const WORKFLOWS_MODULE: GoModule = {
  folder: "argo-workflows",
  files: VERSIONS,
  assets: "ARGO_WORKFLOWS_ASSETS",
  packages: {
    "workflow-controller": "github.com/argoproj/argo-workflows/v4/cmd/workflow-controller",
  },
  ldflags: "-s -w",
};

export const MODULES: readonly GoModule[] = [
  {
    folder: "kubernetes",
    files: VERSIONS,
    assets: "KUBEBUILDER_ASSETS",
    packages: {
      etcd: "go.etcd.io/etcd/server/v3",
      "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
      "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
      "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
      kubectl: "k8s.io/kubernetes/cmd/kubectl",
      kwok: "sigs.k8s.io/kwok/cmd/kwok",
    },
    ldflags: KUBERNETES_FLAGS,
  },
  {
    folder: "istio",
    files: VERSIONS,
    assets: "ISTIO_ASSETS",
    packages: {
      istioctl: "istio.io/istio/istioctl/cmd/istioctl",
      "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
    },
    ldflags: linkerFlags("istio.io/istio/pkg/version", { buildVersion: "1.31.0" }),
  },
  {
    folder: "argo",
    files: VERSIONS,
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
