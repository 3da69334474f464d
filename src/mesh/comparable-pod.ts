import {
  INJECTION_STATUS,
  INJECTION_TEMPLATES,
  PROXY_CONTAINER,
  PROXY_OVERRIDES,
} from "../istio-labels.ts";
import { isObject, parseObject } from "../json-object.ts";
import { RESTARTED_AT } from "../snapshot.ts";

/** Any part of a pod, as the API server's JSON has it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A pod without the fields that the cluster fills in by itself for each single pod. */
export interface ComparablePod {
  readonly metadata: { readonly labels: Fields; readonly annotations: Fields };
  /** The spec, without the sidecar. */
  readonly spec: Fields;
  /** The sidecar; `undefined` if there is none. */
  readonly proxy: Fields | undefined;
  readonly native: boolean;
  /** The names of the volumes and pull secrets that injection added. */
  readonly added: ReadonlySet<string>;
  /** True if the user wrote parts of the sidecar, whose values may be secrets. */
  readonly isCustomized: boolean;
}

/** Returns the parts of a pod that a restart may change. */
export function comparablePod(pod: Fields): ComparablePod {
  const metadata = fieldsIn(pod, "metadata");
  const annotations = fieldsIn(metadata, "annotations");
  const spec = fieldsIn(pod, "spec");
  const containers = containersIn(spec, "containers");
  const initContainers = containersIn(spec, "initContainers");
  const ordinary = containers.find(isProxy);
  const native = ordinary === undefined ? initContainers.find(isProxy) : undefined;
  const proxy = ordinary ?? native;
  const status = parseObject(textIn(annotations, INJECTION_STATUS)) ?? {};
  const later = laterKeys(metadata);
  return {
    metadata: {
      labels: keep(
        fieldsIn(metadata, "labels"),
        (key) => !isForOnePod(key) && !later.labels.has(key),
      ),
      annotations: keep(
        {
          ...annotations,
          // The rest of it lists what injection added, which the spec shows.
          [INJECTION_STATUS]: { revision: status["revision"] },
        },
        (key) => !DERIVED.has(key) && !later.annotations.has(key),
      ),
    },
    spec: pruned({
      ...keep(spec, (key) => !FOR_ONE_POD.has(key) && !isDefault(SPEC_DEFAULTS, key, spec[key])),
      containers: containers.filter((one) => !isProxy(one)).map(comparableContainer),
      initContainers: initContainers.filter((one) => !isProxy(one)).map(comparableContainer),
      volumes: listIn(spec, "volumes").map(withoutRandomName),
      tolerations: listIn(spec, "tolerations").filter((one) => !isTolerationOfCluster(one)),
    }),
    proxy: proxy && pruned(comparableContainer(proxy)),
    native: native !== undefined,
    added: new Set(
      ["volumes", "imagePullSecrets"].flatMap((name) => listIn(status, name)).map(String),
    ),
    isCustomized: PROXY_OVERRIDES in annotations || INJECTION_TEMPLATES in annotations,
  };
}

/**
 * Annotations that show no change of their own: the time of a restart, and the sidecar as the template
 * had it, with the random name of a volume.
 */
const DERIVED: ReadonlySet<string> = new Set([RESTARTED_AT, PROXY_OVERRIDES]);

function isProxy({ name }: Fields): boolean {
  return name === PROXY_CONTAINER;
}

/**
 * The fields of a spec that the scheduler, the kubelet or a user write after the creation of a pod, and
 * those that repeat another field.
 */
const FOR_ONE_POD: ReadonlySet<string> = new Set([
  "nodeName",
  "ephemeralContainers",
  "schedulingGates",
  "serviceAccount",
]);

/**
 * Labels of the node, which the API server copies to a pod when it is scheduled.
 * Source: Kubernetes `plugin/pkg/admission/podtopologylabels/admission.go`.
 */
function isForOnePod(label: string): boolean {
  return /^topology\.(?:kubernetes|k8s)\.io\/(?:zone|region)$/.test(label);
}

/** Values that the API server fills in. A pod of an older server may lack them. */
const SPEC_DEFAULTS: Fields = {
  dnsPolicy: "ClusterFirst",
  enableServiceLinks: true,
  restartPolicy: "Always",
  schedulerName: "default-scheduler",
  serviceAccountName: "default",
  terminationGracePeriodSeconds: 30,
};

const CONTAINER_DEFAULTS: Fields = {
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

function isDefault(defaults: Fields, key: string, value: unknown): boolean {
  return Object.hasOwn(defaults, key) && defaults[key] === value;
}

function comparableContainer(container: Fields): Fields {
  return {
    ...keep(
      container,
      (key) =>
        !isDefault(CONTAINER_DEFAULTS, key, container[key]) &&
        (key !== "resizePolicy" || !listIn(container, key).every(isDefaultResize)),
    ),
    env: listIn(container, "env").flatMap(comparableVariable),
    volumeMounts: listIn(container, "volumeMounts").map(withoutRandomName),
  };
}

function isDefaultResize(policy: unknown): boolean {
  return isObject(policy) && policy["restartPolicy"] === "NotRequired";
}

/** The variable that has the configuration of the sidecar, in JSON. */
export const PROXY_CONFIG_VARIABLE = "PROXY_CONFIG";

function comparableVariable(variable: unknown): readonly unknown[] {
  if (!isObject(variable)) return [variable];
  const { name, value } = variable;
  // The Job controller adds the index of the pod.
  if (name === "JOB_COMPLETION_INDEX") return [];
  if (name !== PROXY_CONFIG_VARIABLE || typeof value !== "string") return [variable];
  return [{ ...variable, value: parseObject(value) ?? value }];
}

/**
 * Removes the random part of the name of the volume with the token of the service account.
 * Source: Kubernetes `plugin/pkg/admission/serviceaccount/admission.go`.
 */
function withoutRandomName(item: unknown): unknown {
  if (!isObject(item) || typeof item["name"] !== "string") return item;
  return { ...item, name: item["name"].replace(/^(kube-api-access)-[a-z0-9]{5}$/, "$1") };
}

/**
 * Tolerations that admission and the DaemonSet controller add.
 * Sources: Kubernetes `plugin/pkg/admission/defaulttolerationseconds`, `pkg/controller/daemon/util`.
 */
function isTolerationOfCluster(toleration: unknown): boolean {
  const key = isObject(toleration) ? toleration["key"] : undefined;
  return typeof key === "string" && /^node\.kubernetes\.io\/[a-z-]+$/.test(key);
}

/**
 * The keys of labels and annotations that were written after the creation of a pod, for example by the
 * network plugin. The entry of its creator owns fields that nobody can change later.
 */
export function laterKeys(
  metadata: Fields,
): Readonly<Record<"labels" | "annotations", ReadonlySet<string>>> {
  const entries = listIn(metadata, "managedFields").flatMap((entry) =>
    isObject(entry) ? [fieldsIn(entry, "fieldsV1")] : [],
  );
  const isCreator = (entry: Fields) => "f:restartPolicy" in fieldsIn(entry, "f:spec");
  const creators = entries.filter(isCreator);
  const others = creators.length > 0 ? entries.filter((entry) => !isCreator(entry)) : [];
  const keys = (of: readonly Fields[], map: string) =>
    new Set(
      of
        .flatMap((entry) => Object.keys(fieldsIn(fieldsIn(entry, "f:metadata"), `f:${map}`)))
        .map((key) => key.slice("f:".length)),
    );
  const later = (map: string) => {
    const byCreator = keys(creators, map);
    return new Set([...keys(others, map)].filter((key) => !byCreator.has(key)));
  };
  return { labels: later("labels"), annotations: later("annotations") };
}

function keep(fields: Fields, isKept: (key: string) => boolean): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => isKept(key)));
}

/** Removes fields without content: the API server writes some of them, and leaves others out. */
function pruned(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => {
      const rest = prunedValue(value);
      return rest === undefined ? [] : [[key, rest]];
    }),
  );
}

function prunedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(prunedItem);
  if (!isObject(value)) return value ?? undefined;
  const rest = pruned(value);
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function prunedItem(item: unknown): unknown {
  return isObject(item) ? pruned(item) : item;
}

function containersIn(spec: Fields, name: string): readonly Fields[] {
  return listIn(spec, name).filter(isObject);
}

export function fieldsIn(fields: Fields, name: string): Fields {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return isObject(value) ? value : {};
}

export function listIn(fields: Fields, name: string): readonly unknown[] {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return Array.isArray(value) ? value : [];
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" ? value : undefined;
}
