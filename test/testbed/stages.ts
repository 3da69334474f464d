import { POD_BEHAVIOUR } from "../support/test-cluster.ts";
import { FAILING, readiness, running } from "./pod-status.ts";
import { absent, among, exists, notAmong, stage, type Stage } from "./stage.ts";

const READY = '.status.conditions.[] | select( .type == "Ready" ) | .status';
const PHASE = ".status.phase";
const DELETED = ".metadata.deletionTimestamp";
const DRAIN = `.metadata.annotations["${POD_BEHAVIOUR.drain}"]`;
const READY_AFTER = `.metadata.annotations["${POD_BEHAVIOUR.readyAfter}"]`;
const RESTARTED = '.metadata.annotations["kubectl.kubernetes.io/restartedAt"]';
const REVISION = '.metadata.annotations["istio.io/rev"]';
const OF_REVISION = `select((.metadata.annotations["${POD_BEHAVIOUR.failOf}"] // ${REVISION}) == ${REVISION})`;
const FAIL = `.metadata.annotations["${POD_BEHAVIOUR.fail}"] // (select(${RESTARTED}) | ${OF_REVISION} | .metadata.annotations["${POD_BEHAVIOUR.failRestarted}"])`;

const NODE_CONDITIONS = `
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}`;

const NODE_STAGES = [
  stage("Node", "node-initialize", {
    when: [notAmong(READY, "True")],
    next: {
      statusTemplate: `${NODE_CONDITIONS}
addresses:
- {address: {{ NodeIP | Quote }}, type: InternalIP}
- {address: {{ NodeName | Quote }}, type: Hostname}
allocatable: {cpu: 1k, memory: 1Ti, pods: 1M}
capacity: {cpu: 1k, memory: 1Ti, pods: 1M}
nodeInfo:
  architecture: amd64
  bootID: ""
  containerRuntimeVersion: kwok
  kernelVersion: kwok
  kubeProxyVersion: kwok
  kubeletVersion: kwok
  machineID: ""
  operatingSystem: linux
  osImage: ""
  systemUUID: ""
phase: Running`,
    },
  }),
  // Leases carry the heartbeat. This stage only refreshes the conditions for readers.
  stage("Node", "node-heartbeat-with-lease", {
    when: [among(PHASE, "Running"), among(READY, "True")],
    delay: { durationMilliseconds: 600_000, jitterDurationMilliseconds: 610_000 },
    next: { statusTemplate: NODE_CONDITIONS },
  }),
];

const POD_STAGES = [
  stage("Pod", "pod-ready", {
    when: [absent(DELETED), among(PHASE, "Pending"), absent(READY_AFTER), absent(FAIL)],
    next: {
      statusTemplate: running("True"),
    },
  }),
  stage("Pod", "pod-started", {
    when: [absent(DELETED), among(PHASE, "Pending"), exists(READY_AFTER), absent(FAIL)],
    next: {
      statusTemplate: running("False"),
    },
  }),
  stage("Pod", "pod-ready-after", {
    when: [
      absent(DELETED),
      among(PHASE, "Running"),
      among(READY, "False"),
      exists(READY_AFTER),
      absent(FAIL),
    ],
    delay: { durationMilliseconds: 0, durationFrom: { expressionFrom: READY_AFTER } },
    next: { statusTemplate: readiness("True") },
  }),
  stage("Pod", "pod-failing", {
    when: [
      absent(DELETED),
      among(PHASE, "Pending"),
      exists(FAIL),
      absent(".status.containerStatuses.[].state.waiting.reason"),
    ],
    next: { statusTemplate: FAILING },
  }),
  stage("Pod", "pod-recovered", {
    when: [absent(DELETED), among(PHASE, "Running"), among(READY, "False"), among(FAIL, "Stumble")],
    delay: { durationMilliseconds: 4000 },
    next: { statusTemplate: readiness("True", 1) },
  }),
  stage("Pod", "pod-flaps-up", {
    when: [
      absent(DELETED),
      among(PHASE, "Running"),
      among(READY, "False"),
      among(FAIL, "Flapping"),
    ],
    delay: { durationMilliseconds: 2000 },
    next: { statusTemplate: readiness("True") },
  }),
  stage("Pod", "pod-flaps-down", {
    when: [absent(DELETED), among(PHASE, "Running"), among(READY, "True"), among(FAIL, "Flapping")],
    delay: { durationMilliseconds: 2000 },
    next: { statusTemplate: readiness("False") },
  }),
  // As in reality, a Job does not complete while a classic sidecar runs beside it.
  stage("Pod", "pod-complete", {
    when: [
      absent(DELETED),
      among(PHASE, "Running"),
      among(READY, "True"),
      among(".metadata.ownerReferences.[].kind", "Job"),
      notAmong(".spec.containers.[].name", "istio-proxy"),
    ],
    next: {
      statusTemplate: `
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ Now | Quote }}
      finishedAt: {{ Now | Quote }}
{{ end }}
phase: Succeeded`,
    },
  }),
  stage("Pod", "pod-delete", { when: [exists(DELETED), absent(DRAIN)], next: { delete: true } }),
  stage("Pod", "pod-drained", {
    when: [exists(DELETED), exists(DRAIN)],
    delay: { durationMilliseconds: 0, durationFrom: { expressionFrom: DRAIN } },
    next: { delete: true },
  }),
];

/**
 * The stages of nodes and pods in kwok, based on its own `kustomize/stage`. A pod runs as soon as
 * it is scheduled, later, or never, as its annotations say.
 */
export const STAGES: readonly Stage[] = [...NODE_STAGES, ...POD_STAGES];
