import type { Api } from "../../../src/http/api.ts";
import { ApiError } from "../../../src/http/api-error.ts";
import type { ApiRequest } from "../../../src/http/request.ts";
import { ISTIO_NAMESPACE, revisionObjects } from "../embedded/istio.ts";
import { type KubeObject, KINDS } from "../embedded/kinds.ts";
import { deployment, namespace } from "../manifests.ts";
import { apiPod } from "./api-pod.ts";
import { proxyImage } from "./pod-group.ts";
import { type Answer, respondingApi } from "./scripted-api.ts";

/** The state of `deployment/web`, with three pods, at one moment. */
export interface WebState {
  /** The time of its last restart; `undefined` if it was never restarted. */
  readonly restartedAt: string | undefined;
  /** The pods that the restart has made so far. */
  readonly updated: number;
  readonly available: number;
}

const UID = "shop-deployment-web";
const OLD_IMAGE = proxyImage("v1.27.7-1");
const NEW_IMAGE = proxyImage("v1.27.9-6");
const REPLICAS = 3;

/**
 * An API server with `deployment/web` in the namespace `shop` of the revision asm-1-27.
 *
 * @param state the state at the time of a request; an error answers the request.
 * @param patch the answer to a restart.
 */
export function webApi(
  state: () => WebState | ApiError,
  patch: (request: ApiRequest) => Answer = () =>
    new ApiError("no patch is expected", { status: 403, reason: "Forbidden" }),
): Api {
  return respondingApi((request) => {
    if (request.method === "PATCH") return patch(request);
    const found = state();
    if (found instanceof ApiError) return found;
    return answerFrom(objectsOf(found), request);
  });
}

function answerFrom(objects: readonly KubeObject[], { path, kind }: ApiRequest): Answer {
  const place = /\/namespaces\/([^/]+)\//.exec(path)?.[1];
  const last = path.split("/").at(-1);
  const listed = KINDS.find(({ resource }) => resource === last)?.kind;
  const items = objects.filter(
    (object) =>
      object["kind"] === (listed ?? kind) &&
      (place === undefined || object["metadata"].namespace === place) &&
      (listed !== undefined || object["metadata"].name === last),
  );
  if (listed !== undefined) return { kind, metadata: { resourceVersion: "1" }, items };
  return items[0] ?? new ApiError("not found", { status: 404, reason: "NotFound" });
}

function objectsOf(state: WebState): readonly KubeObject[] {
  return [
    namespace("shop", { "istio.io/rev": "asm-1-27" }),
    ...revisionObjects({ name: "asm-1-27", image: NEW_IMAGE }, "Y2E=").map(ready),
    ISTIOD_ENDPOINTS,
    webOf(state),
    ...["old", "new"].map(replicaSet),
    ...podsOf(state),
  ];
}

const ISTIOD_ENDPOINTS: KubeObject = {
  kind: "EndpointSlice",
  metadata: {
    name: "istiod-asm-1-27-1",
    namespace: ISTIO_NAMESPACE,
    labels: { "kubernetes.io/service-name": "istiod-asm-1-27" },
  },
  endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }],
};

/** The object with the status of a Deployment whose one pod serves, such as istiod. */
function ready(object: KubeObject): KubeObject {
  return { ...object, status: { replicas: 1, updatedReplicas: 1, availableReplicas: 1 } };
}

function webOf({ updated, available, restartedAt }: WebState): KubeObject {
  const annotations: Record<string, string> =
    restartedAt === undefined ? {} : { "kubectl.kubernetes.io/restartedAt": restartedAt };
  const web = deployment("web", { replicas: REPLICAS, annotations });
  const metadata = {
    name: "web",
    namespace: "shop",
    uid: UID,
    generation: 2,
    resourceVersion: "7",
  };
  const status = {
    observedGeneration: 2,
    replicas: REPLICAS,
    // Without a restart the old pods are those of the current template.
    updatedReplicas: restartedAt === undefined ? REPLICAS : updated,
    availableReplicas: available,
  };
  return { ...web, metadata, status };
}

function replicaSet(age: string): KubeObject {
  const owner = { kind: "Deployment", name: "web", uid: UID, controller: true };
  const metadata = { name: `web-${age}`, namespace: "shop", uid: `uid-${age}` };
  return { kind: "ReplicaSet", metadata: { ...metadata, ownerReferences: [owner] } };
}

function podsOf({ updated, available, restartedAt }: WebState): readonly KubeObject[] {
  const old = REPLICAS - updated;
  return Array.from({ length: REPLICAS }, (_, index) => {
    const age = index < old ? "old" : "new";
    const pod = apiPod({
      name: `web-${age}-${index}`,
      labels: { app: "web" },
      owner: { kind: "ReplicaSet", name: `web-${age}`, uid: `uid-${age}` },
      sidecar: { image: age === "old" ? OLD_IMAGE : NEW_IMAGE },
      annotations: {
        "sidecar.istio.io/status": "{}",
        ...(age === "new" && restartedAt !== undefined
          ? { "kubectl.kubernetes.io/restartedAt": restartedAt }
          : {}),
      },
      ready: index < available,
    });
    return Object.assign({ kind: "Pod" }, pod);
  });
}
