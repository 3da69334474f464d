import type { Labels, PodTemplate, Workload } from "../snapshot.ts";

/** Stands for a hash that only the controller can tell: nobody selects pods by its value. */
const SOME_HASH = "0000000000";

/**
 * Labels that a controller adds to each pod that it makes from a template. A selector of webhooks
 * may ask whether they are there.
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
      // Of other kinds the template is known from a pod, which has them.
      return {};
  }
}

/** What webhooks get to see of a workload's next pod; `undefined` where its template is unread. */
export function newPodOf(
  workload: Pick<Workload, "kind" | "name" | "template">,
): PodTemplate | undefined {
  const { template } = workload;
  return template && { ...template, labels: { ...template.labels, ...controllerLabels(workload) } };
}
