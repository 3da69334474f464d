/**
 * What a test may ask of a cluster, whichever it runs on: the embedded API server (`npm test`) or
 * the real control plane (`npm run test:cluster`). Everything a test changes goes through the
 * Kubernetes API (`request`), so one suite serves both; only what no API offers is a method.
 */
export interface TestCluster {
  readonly kind: "embedded" | "real";
  /** Path of a kubeconfig with full rights; its current context is named `test`. */
  readonly kubeconfig: string;
  /** One request with full rights (or with `token`). Resolves whatever the status is. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /**
   * Installs a control-plane revision in `aks-istio-system` and resolves once it injects: the
   * ConfigMap `istio-sidecar-injector-NAME`, the webhook configuration, the Service and Deployment
   * `istiod-NAME`. Called again for an installed revision it only sets the image.
   */
  installRevision(revision: TestRevision): Promise<void>;
  /** What Azure does at a patch upgrade: another `global.proxy.image` in the ConfigMap's `values`. */
  moveImage(revision: string, image: string): Promise<void>;
  /** `istioctl tag set TAG --revision REVISION --overwrite`. */
  setTag(tag: string, revision: string): Promise<void>;
  /** Takes a tag away again; no error where there is none. */
  removeTag(tag: string): Promise<void>;
  /** Installs Argo Rollouts: the type `Rollout`, and its controller. Once is enough. */
  installArgoRollouts(): Promise<void>;
  /** The path of a kubeconfig whose user may do only what `rules` say. */
  userKubeconfig(user: string, rules: readonly TestRule[]): Promise<string>;
  stop(): Promise<void>;
}

export interface TestRevision {
  /** `asm-1-27` */
  readonly name: string;
  /** The whole image reference of `istio-proxy`. */
  readonly image: string;
  /** Native sidecars: `istio-proxy` among the init containers. */
  readonly native?: boolean;
}

/** As in RBAC. */
export interface TestRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** In this namespace alone. */
  readonly namespace?: string;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed where the answer is JSON, else the text. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read many shapes of Kubernetes objects
  readonly body: any;
}

/**
 * Annotations of a pod template that both clusters obey.
 * `readyAfter`: a Go duration from the pod's creation until it is ready.
 * `fail`: the waiting reason that its first container gets instead of running
 * (`ErrImagePull`, `CrashLoopBackOff`, `CreateContainerConfigError`); such a pod never becomes ready.
 * `failRestarted`: the same, only for pods that a restart made.
 */
export const POD_BEHAVIOUR = {
  readyAfter: "test.istio-upgrade/ready-after",
  fail: "test.istio-upgrade/fail",
  failRestarted: "test.istio-upgrade/fail-restarted",
} as const;
