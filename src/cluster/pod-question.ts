import type {
  V1ControllerRevision,
  V1DaemonSet,
  V1Job,
  V1OwnerReference,
  V1Pod,
  V1PodTemplateSpec,
  V1ReplicaSet,
  V1StatefulSet,
  V1Volume,
} from "@kubernetes/client-node";
import { ApiError } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { isObject } from "../json-object.ts";
import { knownApiOf } from "../kubernetes/kinds.ts";
import type { Access } from "./gaps.ts";
import { type NamedApi, PODS, readByName } from "./read-by-name.ts";
import { withoutBlock } from "./uninjected-pod.ts";

/** A live pod, and the pod that its controller would create from the same template now. */
export interface PodQuestion {
  readonly kind: "question";
  readonly live: V1Pod;
  readonly asked: V1Pod;
}

/** The reason why a pod cannot be compared. */
export type Unasked =
  /** The pod no longer exists, or its owner. */
  | { readonly kind: "gone" }
  /** No template of its own tells what the pod looked like before admission. */
  | { readonly kind: "no-template"; readonly owner: string }
  | { readonly kind: "unread"; readonly access: Access; readonly error: ApiError };

/**
 * Reads a live pod and the template that it was created from: that of its own ReplicaSet or
 * ControllerRevision, which during a rollout is not that of the workload.
 */
export async function readPodQuestion(
  api: Api,
  namespace: string,
  name: string,
): Promise<PodQuestion | Unasked> {
  const read = createReader(api, namespace);
  return unlessUnread(async () => {
    const live = await read<V1Pod>(PODS, name);
    return live === undefined ? GONE : questionOf(read, live);
  });
}

/** Reads the template that a live pod was created from, as `readPodQuestion` does. */
export async function readQuestionOf(api: Api, live: V1Pod): Promise<PodQuestion | Unasked> {
  const read = createReader(api, live.metadata?.namespace ?? "");
  return unlessUnread(() => questionOf(read, live));
}

async function questionOf(read: Read, live: V1Pod): Promise<PodQuestion | Unasked> {
  const reference = (live.metadata?.ownerReferences ?? []).find(({ controller }) => controller);
  if (reference === undefined) return { kind: "no-template", owner: "Pod" };
  return questionAbout(read, live, reference);
}

async function unlessUnread(
  ask: () => Promise<PodQuestion | Unasked>,
): Promise<PodQuestion | Unasked> {
  try {
    return await ask();
  } catch (caught) {
    if (!(caught instanceof UnreadError)) throw caught;
    return { kind: "unread", access: caught.access, error: caught.error };
  }
}

/** Reads one pod; `undefined` if it is gone, or could not be read. */
export async function readPod(
  api: Api,
  namespace: string,
  name: string,
): Promise<V1Pod | undefined> {
  try {
    return await createReader(api, namespace)<V1Pod>(PODS, name);
  } catch (error) {
    if (error instanceof UnreadError) return undefined;
    throw error;
  }
}

const GONE = { kind: "gone" } as const;

async function questionAbout(
  read: Read,
  live: V1Pod,
  reference: V1OwnerReference,
): Promise<PodQuestion | Unasked> {
  const known = ownerApi(reference);
  if (known === undefined) return { kind: "no-template", owner: reference.kind };
  const { kind } = known;
  const owner = await read<Owner>(known, reference.name);
  if (owner === undefined) return GONE;
  const template = await templateOf(read, owner, live, kind);
  if (template === undefined) return GONE;
  return { kind: "question", live, asked: podOf(live, template, kind, owner) };
}

type Owner = V1ReplicaSet | V1StatefulSet | V1DaemonSet | V1Job;

/** Returns the template of a pod; `undefined` if it no longer exists. */
async function templateOf(
  read: Read,
  owner: Owner,
  live: V1Pod,
  kind: OwnerKind,
): Promise<V1PodTemplateSpec | undefined> {
  const own = owner.spec?.template;
  const labels = live.metadata?.labels ?? {};
  const hash = labels["controller-revision-hash"];
  if (kind === "StatefulSet") {
    const { updateRevision } = (owner as V1StatefulSet).status ?? {};
    if (hash === undefined || hash === updateRevision) return own;
    return revisionTemplate(await read<V1ControllerRevision>(CONTROLLER_REVISIONS, hash));
  }
  if (kind !== "DaemonSet") return own;
  const generation = owner.metadata?.annotations?.["deprecated.daemonset.template.generation"];
  const isCurrent = generation !== undefined && generation === labels["pod-template-generation"];
  if (hash === undefined || isCurrent) return own;
  const name = `${owner.metadata?.name}-${hash}`;
  return revisionTemplate(await read<V1ControllerRevision>(CONTROLLER_REVISIONS, name));
}

/** The data of a ControllerRevision is a patch of the workload, which replaces its template. */
function revisionTemplate(
  revision: V1ControllerRevision | undefined,
): V1PodTemplateSpec | undefined {
  const spec = isObject(revision?.data) ? revision.data["spec"] : undefined;
  const template = isObject(spec) ? spec["template"] : undefined;
  if (!isObject(template)) return undefined;
  const { $patch: _, ...rest } = template;
  return rest;
}

/**
 * The labels and annotations that controllers give to single pods.
 * Sources: Kubernetes `pkg/controller/statefulset/stateful_set_utils.go`,
 * `pkg/controller/daemon/daemon_controller.go`, `pkg/controller/job/indexed_job_utils.go`.
 */
const OF_CONTROLLERS: ReadonlySet<string> = new Set([
  "pod-template-hash",
  "rollouts-pod-template-hash",
  "controller-revision-hash",
  "pod-template-generation",
  "statefulset.kubernetes.io/pod-name",
  "apps.kubernetes.io/pod-index",
  "controller-uid",
  "job-name",
  "batch.kubernetes.io/controller-uid",
  "batch.kubernetes.io/job-name",
  "batch.kubernetes.io/job-completion-index",
]);

/** Returns the pod as its controller created it, with a name that no other pod has. */
function podOf(live: V1Pod, template: V1PodTemplateSpec, kind: OwnerKind, owner: Owner): V1Pod {
  const { metadata = {} } = live;
  const { volumes = [], ...spec } = template.spec ?? { containers: [] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: metadata.generateName ?? `${owner.metadata?.name}-`,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels: { ...template.metadata?.labels, ...ofControllers(metadata.labels) },
      annotations: { ...template.metadata?.annotations, ...ofControllers(metadata.annotations) },
      ownerReferences: (metadata.ownerReferences ?? []).map(withoutBlock),
    },
    spec: { ...spec, volumes, ...placeOf(live, volumes, kind, owner) },
  };
}

function ofControllers(given: Readonly<Record<string, string>> = {}) {
  return Object.fromEntries(Object.entries(given).filter(([key]) => OF_CONTROLLERS.has(key)));
}

/** Returns the fields of a spec that a controller sets for each single pod. */
function placeOf(
  { spec: live }: V1Pod,
  own: readonly V1Volume[],
  kind: OwnerKind,
  owner: Owner,
): Partial<NonNullable<V1Pod["spec"]>> {
  const { hostname, subdomain, affinity, volumes = [] } = live ?? {};
  switch (kind) {
    case "StatefulSet": {
      const claims = new Set(
        ((owner as V1StatefulSet).spec?.volumeClaimTemplates ?? []).map(
          ({ metadata }) => metadata?.name,
        ),
      );
      const others = own.filter(({ name }) => !claims.has(name));
      return {
        ...(hostname !== undefined && { hostname }),
        ...(subdomain !== undefined && { subdomain }),
        volumes: [...others, ...volumes.filter(({ name }) => claims.has(name))],
      };
    }
    case "DaemonSet":
      // The controller chooses the node by the affinity.
      return affinity === undefined ? {} : { affinity };
    case "Job":
      return hostname === undefined ? {} : { hostname };
    default:
      return {};
  }
}

const OWNERS = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"] as const;

type OwnerKind = (typeof OWNERS)[number];

/** Returns the API of an owner that has a pod template; `undefined` for other owners. */
function ownerApi({ kind, apiVersion }: V1OwnerReference): OwnerApi | undefined {
  const owner = OWNERS.find((one) => one === kind);
  const known = knownApiOf(kind);
  if (owner === undefined || known?.group !== apiVersion) return undefined;
  return { kind: owner, ...known };
}

interface OwnerApi extends NamedApi {
  readonly kind: OwnerKind;
}

const CONTROLLER_REVISIONS: NamedApi = {
  kind: "ControllerRevision",
  group: "apps/v1",
  resource: "controllerrevisions",
};

/** Reads one object; `undefined` if it does not exist. */
type Read = <Item extends object>(kind: NamedApi, name: string) => Promise<Item | undefined>;

/** The error of a read, with the permission that it needs. */
class UnreadError extends Error {
  readonly access: Access;
  readonly error: ApiError;

  constructor(access: Access, error: ApiError) {
    super(error.message, { cause: error });
    this.access = access;
    this.error = error;
  }
}

function createReader(api: Api, namespace: string): Read {
  return async <Item extends object>(named: NamedApi, name: string) => {
    try {
      return await readByName<Item>(api, named, namespace, name);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { group, resource } = named;
      const [groupName = ""] = group.split("/");
      const qualified = group === "v1" ? resource : `${resource}.${groupName}`;
      throw new UnreadError({ verb: "list", resource: qualified, namespace }, error);
    }
  };
}
