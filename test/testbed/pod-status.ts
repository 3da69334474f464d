import { POD_BEHAVIOUR } from "../support/test-cluster.ts";

// kwok templates for the parts of a pod's status, in YAML.

/** The conditions of a pod. Readiness gates open as soon as the pod is ready. */
function conditions(ready: "True" | "False"): string {
  const reason = ready === "True" ? "" : "ContainersNotReady";
  return `
conditions:
- {lastTransitionTime: {{ Now | Quote }}, status: "True", type: PodScheduled}
- {lastTransitionTime: {{ Now | Quote }}, status: "True", type: Initialized}
- lastTransitionTime: {{ Now | Quote }}
  status: "${ready}"
  type: Ready
  reason: "${reason}"
- lastTransitionTime: {{ Now | Quote }}
  status: "${ready}"
  type: ContainersReady
  reason: "${reason}"
{{ range .spec.readinessGates }}
- {lastTransitionTime: {{ Now | Quote }}, status: "${ready}", type: {{ .conditionType | Quote }}}
{{ end }}`;
}

function runningContainers(ready: boolean): string {
  return `
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: ${ready}
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
{{ end }}`;
}

/** Native sidecars continue to run; the other init containers have finished. */
const INIT_CONTAINERS = `
initContainerStatuses:
{{ range .spec.initContainers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  {{ if eq .restartPolicy "Always" }}
  started: true
  state: {running: {startedAt: {{ Now | Quote }}}}
  {{ else }}
  started: false
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ Now | Quote }}
      finishedAt: {{ Now | Quote }}
  {{ end }}
{{ end }}`;

const ADDRESSES = `
{{ with NodeIPsWith .spec.nodeName }}
hostIP: {{ index . 0 | Quote }}
hostIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ with PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
startTime: {{ Now | Quote }}`;

/** The status of a running pod that becomes ready or unready; all other fields stay. */
export function readiness(ready: "True" | "False"): string {
  return `${conditions(ready)}
${runningContainers(ready === "True")}`;
}

/** The status of a pod that starts to run. */
export function running(ready: "True" | "False"): string {
  return `${readiness(ready)}
${INIT_CONTAINERS}
${ADDRESSES}
phase: Running`;
}

/**
 * The status of a failing pod: the first container waits for the requested reason. A crashing
 * container has run before.
 */
export const FAILING = `
{{ $reason := or (index .metadata.annotations "${POD_BEHAVIOUR.fail}") (index .metadata.annotations "${POD_BEHAVIOUR.failRestarted}") }}
{{ $root := . }}
${conditions("False")}
containerStatuses:
{{ range $index, $item := .spec.containers }}
- image: {{ $item.image | Quote }}
  name: {{ $item.name | Quote }}
  {{ if eq $index 0 }}
  ready: false
  started: false
  restartCount: {{ if eq $reason "CrashLoopBackOff" }}5{{ else }}0{{ end }}
  state:
    waiting:
      reason: {{ $reason | Quote }}
      {{ if eq $reason "CrashLoopBackOff" }}
      message: {{ printf "back-off 2m40s restarting failed container=%s pod=%s_%s(%s)" $item.name $root.metadata.name $root.metadata.namespace $root.metadata.uid | Quote }}
      {{ else if eq $reason "ErrImagePull" }}
      message: {{ printf "failed to pull and unpack image %s: not found" $item.image | Quote }}
      {{ else if eq $reason "ImagePullBackOff" }}
      message: {{ printf "Back-off pulling image %s" $item.image | Quote }}
      {{ else if eq $reason "CreateContainerConfigError" }}
      message: 'configmap "settings" not found'
      {{ else }}
      message: {{ printf "container %s cannot start" $item.name | Quote }}
      {{ end }}
  {{ if eq $reason "CrashLoopBackOff" }}
  lastState:
    terminated:
      exitCode: 1
      reason: Error
      startedAt: {{ Now | Quote }}
      finishedAt: {{ Now | Quote }}
  {{ end }}
  {{ else }}
  ready: true
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
  {{ end }}
{{ end }}
${INIT_CONTAINERS}
${ADDRESSES}
phase: {{ if eq $reason "CrashLoopBackOff" }}Running{{ else }}Pending{{ end }}`;
