/**
 * A cluster for tests: the embedded API server (`npm test`) or the real control plane (`npm run
 * test:cluster`). A test makes all its changes through the Kubernetes API (`request`), so that one
 * suite runs on both; a method exists only for what no API offers.
 */
export interface TestCluster {
  readonly kind: "embedded" | "real";
  /** The path of a kubeconfig with full permissions; its current context is named `test`. */
  readonly kubeconfig: string;
  /** Sends one request with full permissions. Resolves for every status. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /**
   * Installs a control-plane revision in `aks-istio-system` and resolves once it injects: the
   * ConfigMap `istio-sidecar-injector-NAME`, the webhook configuration, the Service and the
   * Deployment `istiod-NAME`. For a revision that is already installed it only sets the image.
   */
  installRevision(revision: TestRevision): Promise<void>;
  /**
   * Removes the control plane of a revision, as Azure does at the end of an upgrade. Tags and shared
   * ConfigMaps stay.
   */
  removeRevision(revision: string): Promise<void>;
  /** Sets `global.proxy.image` in the ConfigMap's `values`, as Azure does in a patch upgrade. */
  moveImage(revision: string, image: string): Promise<void>;
  /** Does the same as `istioctl tag set TAG --revision REVISION --overwrite`. */
  setTag(tag: string, revision: string): Promise<void>;
  /** Removes a tag. Does nothing if the tag does not exist. */
  removeTag(tag: string): Promise<void>;
  /** Installs Argo Rollouts, both the type `Rollout` and its controller. Later calls do nothing. */
  installArgoRollouts(): Promise<void>;
  /**
   * Returns the path of a kubeconfig whose user has only the permissions in `rules`. A later call
   * replaces the permissions for the whole cluster.
   */
  userKubeconfig(user: string, rules: readonly TestRule[]): Promise<string>;
  stop(): Promise<void>;
}

export interface TestRevision {
  /** The name, such as `asm-1-27`. */
  readonly name: string;
  /** The full image reference of `istio-proxy`. */
  readonly image: string;
  /** True for native sidecars: `istio-proxy` is an init container. */
  readonly native?: boolean;
  /** The namespace of another mesh's control plane; `aks-istio-system` by default. Real cluster only. */
  readonly namespace?: string;
}

/** A rule as in an RBAC role. */
export interface TestRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** The names of the only objects of the rule; absent for all. */
  readonly resourceNames?: readonly string[];
  /** The only namespace of the rule; absent for the whole cluster. */
  readonly namespace?: string;
}

export interface RequestOptions {
  readonly body?: unknown;
  /** `application/json` by default. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body if it is JSON, otherwise the text. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read many shapes of Kubernetes objects
  readonly body: any;
}

/**
 * Annotations of a pod template that both clusters support.
 * `readyAfter`: a Go duration from the pod's creation until it is ready.
 * `drain`: a Go duration for which a deleted pod is terminating.
 * `fail`: the waiting reason of its first container, which never runs (`ErrImagePull`,
 * `CrashLoopBackOff`, `CreateContainerConfigError`); such a pod never becomes ready. With `OutOfcpu`
 * the kubelet rejects the pod, with `Init:Error` the first init container crashes in a loop, with
 * `Init:Running` it never ends, with `NotStarted` nothing starts, as without a volume, with `Unready` only `istio-proxy` is not ready, with
 * `Stumble` the first container crashes once, and its pod is ready four seconds later, and with
 * `Flapping` all its containers run, and the pod is ready and unready in turns, for two seconds each.
 * `failRestarted`: the same, but only for pods that a restart created.
 * `failOf`: limits `failRestarted` to pods with a sidecar of this revision.
 */
export const POD_BEHAVIOUR = {
  readyAfter: "test.istio-upgrade/ready-after",
  drain: "test.istio-upgrade/drain",
  fail: "test.istio-upgrade/fail",
  failRestarted: "test.istio-upgrade/fail-restarted",
  failOf: "test.istio-upgrade/fail-of",
} as const;
