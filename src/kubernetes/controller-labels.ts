import type { Labels, PodTemplate, Workload } from "../snapshot.ts";

/** A placeholder for a hash that only the controller knows. Nobody selects pods by its value. */
const SOME_HASH = "0000000000";

/**
 * Returns the labels that a controller adds to each pod that it creates from a template. The
 * selector of a webhook may require them.
 * Sources: Kubernetes `pkg/controller/deployment/sync.go`, `pkg/controller/statefulset/stateful_set_utils.go`,
 * `pkg/controller/daemon/util/daemonset_util.go`; argoproj/argo-rollouts `rollout/sync.go`.
 */
export function controllerLabels({ kind, name }: Pick<Workload, "kind" | "name">): Labels {
  switch (kind) {
    case "Deployment":
      return { "pod-template-hash": SOME_HASH };
    case "Rollout":
      return { "rollouts-pod-template-hash": SOME_HASH };
    case "StatefulSet":
      return {
        "controller-revision-hash": `${name}-${SOME_HASH}`,
        "statefulset.kubernetes.io/pod-name": `${name}-0`,
        "apps.kubernetes.io/pod-index": "0",
      };
    case "DaemonSet":
      return { "controller-revision-hash": SOME_HASH, "pod-template-generation": "1" };
    default:
      // The template of another kind is taken from a pod, which already has these labels.
      return {};
  }
}

/** Returns a workload's next pod as webhooks see it; `undefined` if the template is unread. */
export function newPodOf(
  workload: Pick<Workload, "kind" | "name" | "template">,
): PodTemplate | undefined {
  const { template } = workload;
  return template && { ...template, labels: { ...template.labels, ...controllerLabels(workload) } };
}
