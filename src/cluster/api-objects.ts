import { isRelevant } from "./annotations.ts";
import { isOsLabel } from "./windows.ts";
import {
  anyText,
  bool,
  type Decoded,
  embedded,
  integer,
  message,
  numberOrText,
  ownText,
  present,
  repeated,
  text,
  textMap,
  time,
} from "../http/protobuf/protobuf.ts";

/**
 * Tables of the fields that are read from API objects. A table has each field's name in JSON and its
 * number in protobuf, so that both encodings result in the same object. The numbers are part of the
 * API and never change.
 *
 * Sources: `generated.proto` of k8s.io/apimachinery `pkg/apis/meta/v1`, k8s.io/api `core/v1`,
 * `apps/v1` and `batch/v1`.
 */

const OWNER_REFERENCE = message({
  kind: [1, text],
  name: [3, ownText],
  uid: [4, ownText],
  apiVersion: [5, text],
  controller: [6, bool],
});

const IDENTITY = {
  namespace: [3, text],
  uid: [5, ownText],
  ownerReferences: [13, repeated(OWNER_REFERENCE)],
} as const;

const LABELS_AND_ANNOTATIONS = {
  name: [1, ownText],
  labels: [11, textMap()],
  annotations: [12, textMap(isRelevant)],
} as const;

const OBJECT_META = message({
  ...IDENTITY,
  ...LABELS_AND_ANNOTATIONS,
  resourceVersion: [6, ownText],
  generation: [7, integer],
});

/** The metadata of an object of any kind. */
export const METADATA = message({ metadata: [1, OBJECT_META] });

/** The metadata of a namespace, with the annotations that the user wants to see. */
export function namespaceMetadata(asked: readonly string[]) {
  const annotations = textMap((key) => isRelevant(key) || asked.includes(key));
  return message({
    metadata: [
      1,
      message({ ...IDENTITY, ...LABELS_AND_ANNOTATIONS, annotations: [12, annotations] }),
    ],
  });
}

/** The version of a node. */
export const NODE = message({
  metadata: [1, message({ name: [1, ownText] })],
  status: [3, message({ nodeInfo: [7, message({ kubeletVersion: [7, ownText] })] })],
});

/** The owners of an object between a pod and its workload: a ReplicaSet or a Job. */
export const OWNED = message({ metadata: [1, message(IDENTITY)] });

const CONTAINER = message({
  name: [1, text],
  image: [2, text],
  args: [4, repeated(anyText)],
  readinessProbe: [11, present],
  securityContext: [15, message({ allowPrivilegeEscalation: [7, bool] })],
  restartPolicy: [24, text],
});

const SELECTOR_EXPRESSIONS = repeated(
  message({ key: [1, text], operator: [2, text], values: [3, repeated(anyText)] }),
);

const NODE_AFFINITY = message({
  requiredDuringSchedulingIgnoredDuringExecution: [
    1,
    message({
      nodeSelectorTerms: [1, repeated(message({ matchExpressions: [1, SELECTOR_EXPRESSIONS] }))],
    }),
  ],
});

const POD_SPEC_FIELDS = {
  containers: [2, repeated(CONTAINER)],
  nodeSelector: [7, textMap(isOsLabel)],
  nodeName: [10, text],
  hostNetwork: [11, bool],
  affinity: [18, message({ nodeAffinity: [1, NODE_AFFINITY] })],
  initContainers: [20, repeated(CONTAINER)],
  os: [36, message({ name: [1, text] })],
} as const;

const POD_SPEC = message(POD_SPEC_FIELDS);

const CLAIM_VOLUME = message({ persistentVolumeClaim: [10, message({ claimName: [1, text] })] });

/** The volumes of pods are not read: injection alone adds seven to each. */
const TEMPLATE_SPEC = message({
  ...POD_SPEC_FIELDS,
  volumes: [1, repeated(embedded(2, CLAIM_VOLUME))],
});

const POD_TEMPLATE = message({
  metadata: [1, message(LABELS_AND_ANNOTATIONS)],
  spec: [2, TEMPLATE_SPEC],
});

const TERMINATED = message({ exitCode: [1, integer], reason: [3, text], message: [4, text] });

const CONTAINER_STATUS = message({
  name: [1, text],
  state: [
    2,
    message({
      waiting: [1, message({ reason: [1, text], message: [2, text] })],
      running: [2, present],
      terminated: [3, TERMINATED],
    }),
  ],
  lastState: [3, message({ terminated: [3, TERMINATED] })],
  ready: [4, bool],
  restartCount: [5, integer],
  image: [6, text],
  imageID: [7, text],
  started: [9, bool],
});

const POD_CONDITION = message({
  type: [1, text],
  status: [2, text],
  lastTransitionTime: [4, time],
  reason: [5, text],
  message: [6, text],
});

const POD_STATUS = message({
  phase: [1, text],
  conditions: [2, repeated(POD_CONDITION)],
  message: [3, text],
  reason: [4, text],
  containerStatuses: [8, repeated(CONTAINER_STATUS)],
  initContainerStatuses: [10, repeated(CONTAINER_STATUS)],
});

export const POD = message({
  metadata: [
    1,
    message({
      ...IDENTITY,
      ...LABELS_AND_ANNOTATIONS,
      generation: [7, integer],
      creationTimestamp: [8, time],
      deletionTimestamp: [9, present],
    }),
  ],
  spec: [2, POD_SPEC],
  status: [3, POD_STATUS],
});

const LABEL_SELECTOR = message({
  matchLabels: [1, textMap()],
  matchExpressions: [2, SELECTOR_EXPRESSIONS],
});

const DEPLOYMENT_CONDITION = message({
  type: [1, text],
  status: [2, text],
  reason: [4, text],
  message: [5, text],
});

const ROLLING_UPDATE = message({ maxUnavailable: [1, numberOrText], maxSurge: [2, numberOrText] });

export const DEPLOYMENT = message({
  metadata: [1, OBJECT_META],
  spec: [
    2,
    message({
      replicas: [1, integer],
      selector: [2, LABEL_SELECTOR],
      template: [3, POD_TEMPLATE],
      strategy: [4, message({ type: [1, text], rollingUpdate: [2, ROLLING_UPDATE] })],
      minReadySeconds: [5, integer],
      paused: [7, bool],
    }),
  ],
  status: [
    3,
    message({
      observedGeneration: [1, integer],
      replicas: [2, integer],
      updatedReplicas: [3, integer],
      availableReplicas: [4, integer],
      conditions: [6, repeated(DEPLOYMENT_CONDITION)],
    }),
  ],
});

export const STATEFUL_SET = message({
  metadata: [1, OBJECT_META],
  spec: [
    2,
    message({
      replicas: [1, integer],
      selector: [2, LABEL_SELECTOR],
      template: [3, POD_TEMPLATE],
      podManagementPolicy: [6, text],
      updateStrategy: [
        7,
        message({
          type: [1, text],
          rollingUpdate: [
            2,
            message({ partition: [1, integer], maxUnavailable: [2, numberOrText] }),
          ],
        }),
      ],
      minReadySeconds: [9, integer],
      ordinals: [11, message({ start: [1, integer] })],
    }),
  ],
  status: [
    3,
    message({
      observedGeneration: [1, integer],
      replicas: [2, integer],
      readyReplicas: [3, integer],
      updatedReplicas: [5, integer],
      currentRevision: [6, text],
      updateRevision: [7, text],
    }),
  ],
});

export const DAEMON_SET = message({
  metadata: [1, OBJECT_META],
  spec: [
    2,
    message({
      selector: [1, LABEL_SELECTOR],
      template: [2, POD_TEMPLATE],
      updateStrategy: [3, message({ type: [1, text], rollingUpdate: [2, ROLLING_UPDATE] })],
      minReadySeconds: [4, integer],
    }),
  ],
  status: [
    3,
    message({
      desiredNumberScheduled: [3, integer],
      observedGeneration: [5, integer],
      updatedNumberScheduled: [6, integer],
      numberAvailable: [7, integer],
    }),
  ],
});

export const JOB = message({
  metadata: [1, OBJECT_META],
  spec: [2, message({ template: [6, POD_TEMPLATE] })],
  status: [
    3,
    message({ conditions: [1, repeated(message({ type: [1, text], status: [2, text] }))] }),
  ],
});

/** The template has the same number in both kinds. */
const REPLICATED = message({
  metadata: [1, OBJECT_META],
  spec: [2, message({ template: [3, POD_TEMPLATE] })],
});

export const REPLICA_SET = REPLICATED;
export const REPLICATION_CONTROLLER = REPLICATED;

export type ApiOwnerReference = Decoded<typeof OWNER_REFERENCE>;
export type ApiContainer = Decoded<typeof CONTAINER>;
export type ApiContainerStatus = Decoded<typeof CONTAINER_STATUS>;
export type ApiPod = Decoded<typeof POD>;
export type ApiPodTemplate = Decoded<typeof POD_TEMPLATE>;
export type ApiLabelSelector = Decoded<typeof LABEL_SELECTOR>;
export type ApiDeployment = Decoded<typeof DEPLOYMENT>;
export type ApiStatefulSet = Decoded<typeof STATEFUL_SET>;
export type ApiDaemonSet = Decoded<typeof DAEMON_SET>;
export type ApiObject = Decoded<typeof METADATA>;
export type ApiOwned = Decoded<typeof OWNED>;
/** An object of a kind that creates pods from a template. */
export type ApiTemplated = Decoded<typeof REPLICATED> & Pick<Decoded<typeof JOB>, "status">;
