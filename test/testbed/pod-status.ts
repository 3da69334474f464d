import { POD_BEHAVIOUR } from "../support/test-cluster.ts";

// kwok templates for the parts of a pod's status, in YAML.

/** The names of the pod's containers, separated by blanks. */
const CONTAINER_NAMES = `{{ range $index, $item := .spec.containers }}{{ if $index }} {{ end }}{{ $item.name }}{{ end }}`;

/** The names of all containers that must be ready, native sidecars first. */
const ALL_NAMES = `{{ range .spec.initContainers }}{{ if eq .restartPolicy "Always" }}{{ .name }} {{ end }}{{ end }}${CONTAINER_NAMES}`;

/** The names of the init containers that have not finished, if the first one fails. */
const INIT_NAMES = `{{ range $index, $item := .spec.initContainers }}{{ if $index }} {{ end }}{{ $item.name }}{{ end }}`;

/**
 * The conditions of a pod, in the kubelet's order. Readiness gates open as soon as the pod is ready.
 *
 * @param unready the names of the containers that are not ready; `undefined` if the pod is ready.
 * @param incomplete the names of the init containers that have not finished, if there are any.
 */
function conditions(unready?: string, incomplete?: string): string {
  // A condition keeps the texts that a later status does not replace.
  const isTrue = 'status: "True", reason: "", message: ""';
  const initialized =
    incomplete === undefined
      ? isTrue
      : `status: "False", reason: ContainersNotInitialized, message: "containers with incomplete status: [${incomplete}]"`;
  const ready =
    unready === undefined
      ? isTrue
      : `status: "False", reason: ContainersNotReady, message: "containers with unready status: [${unready}]"`;
  return `
conditions:
- {lastTransitionTime: {{ Now | Quote }}, status: "True", type: PodReadyToStartContainers}
- {lastTransitionTime: {{ Now | Quote }}, ${initialized}, type: Initialized}
- {lastTransitionTime: {{ Now | Quote }}, ${ready}, type: Ready}
- {lastTransitionTime: {{ Now | Quote }}, ${ready}, type: ContainersReady}
- {lastTransitionTime: {{ Now | Quote }}, status: "True", type: PodScheduled}
{{ range .spec.readinessGates }}
- {lastTransitionTime: {{ Now | Quote }}, status: "${unready === undefined ? "True" : "False"}", type: {{ .conditionType | Quote }}}
{{ end }}`;
}

const CRASH =
  "{exitCode: 1, reason: Error, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}";

/** @param restarts the restarts of the first container, which is the one that may have crashed. */
function runningContainers(ready: boolean, restarts: number): string {
  return `
containerStatuses:
{{ range $index, $item := .spec.containers }}
- image: {{ $item.image | Quote }}
  name: {{ $item.name | Quote }}
  ready: ${ready}
  started: true
  state: {running: {startedAt: {{ Now | Quote }}}}
  restartCount: {{ if $index }}0{{ else }}${restarts}{{ end }}
  ${restarts > 0 ? `{{ if not $index }}lastState: {terminated: ${CRASH}}{{ end }}` : ""}
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

/**
 * The first init container crashes in a loop, as a real kubelet shows it between two attempts; or it
 * never ends, or has not started.
 */
const INIT_FAILING = `
initContainerStatuses:
{{ range $index, $item := .spec.initContainers }}
- image: {{ $item.image | Quote }}
  name: {{ $item.name | Quote }}
  ready: false
  started: false
  {{ if eq $index 0 }}
  {{ if eq $reason "Init:Error" }}
  restartCount: 2
  state: {terminated: ${CRASH}}
  lastState: {terminated: ${CRASH}}
  {{ else }}
  restartCount: 0
  state: {{ if eq $reason "Init:Running" }}{running: {startedAt: {{ Now | Quote }}}}{{ else }}{waiting: {reason: PodInitializing}}{{ end }}
  {{ end }}
  {{ else }}
  restartCount: 0
  state: {waiting: {reason: PodInitializing}}
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
export function readiness(ready: "True" | "False", restarts = 0): string {
  return `${conditions(ready === "True" ? undefined : CONTAINER_NAMES)}
${runningContainers(ready === "True", restarts)}`;
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
{{ if eq $reason "OutOfcpu" }}
phase: Failed
reason: OutOfcpu
message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 1000001, used: 19, capacity: 2000"
{{ else }}
{{ $unready := or (eq $reason "Unready") (eq $reason "Flapping") }}
{{ $crashes := or (eq $reason "CrashLoopBackOff") (eq $reason "Stumble") }}
{{ $initializes := or (eq $reason "Init:Error") (eq $reason "Init:Running") (eq $reason "NotStarted") }}
{{ $first := or (and $unready "istio-proxy") (index .spec.containers 0).name }}
{{ if $initializes }}
${conditions(ALL_NAMES, INIT_NAMES)}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: false
  started: false
  restartCount: 0
  state: {waiting: {reason: PodInitializing}}
{{ end }}
{{ else }}
${conditions("{{ $first }}")}
containerStatuses:
{{ range $index, $item := .spec.containers }}
{{ $pull := printf "rpc error: code = NotFound desc = failed to pull and unpack image \\"%s\\": failed to resolve reference \\"%s\\": %s: not found" $item.image $item.image $item.image }}
- image: {{ $item.image | Quote }}
  name: {{ $item.name | Quote }}
  {{ if $unready }}
  ready: {{ ne $item.name "istio-proxy" }}
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
  {{ else if eq $index 0 }}
  ready: false
  started: false
  restartCount: {{ if eq $reason "CrashLoopBackOff" }}5{{ else if eq $reason "Stumble" }}1{{ else }}0{{ end }}
  state:
    waiting:
      reason: {{ if $crashes }}CrashLoopBackOff{{ else }}{{ $reason | Quote }}{{ end }}
      {{ if $crashes }}
      message: {{ printf "back-off %s restarting failed container=%s pod=%s_%s(%s)" (or (and (eq $reason "Stumble") "10s") "2m40s") $item.name $root.metadata.name $root.metadata.namespace $root.metadata.uid | Quote }}
      {{ else if eq $reason "ErrImagePull" }}
      message: {{ $pull | Quote }}
      {{ else if eq $reason "ImagePullBackOff" }}
      message: {{ printf "Back-off pulling image \\"%s\\": ErrImagePull: %s" $item.image $pull | Quote }}
      {{ else if eq $reason "CreateContainerConfigError" }}
      message: 'configmap "settings" not found'
      {{ else }}
      message: {{ printf "container %s cannot start" $item.name | Quote }}
      {{ end }}
  {{ if $crashes }}
  lastState: {terminated: ${CRASH}}
  {{ end }}
  {{ else }}
  ready: true
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
  {{ end }}
{{ end }}
{{ end }}
{{ if $initializes }}
${INIT_FAILING}
{{ else }}
${INIT_CONTAINERS}
{{ end }}
${ADDRESSES}
phase: {{ if or $crashes $unready }}Running{{ else }}Pending{{ end }}
{{ end }}`;
