import type {
  V1APIGroupList,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1Lease,
  V1ListMeta,
  V1Namespace,
  V1ObjectMeta,
  V1Pod,
  V1ReplicaSet,
  V1SelfSubjectAccessReview,
  V1SelfSubjectReview,
  V1StatefulSet,
} from "@kubernetes/client-node";
import type { Type } from "./protobuf/protobuf.ts";

/** A request to the API server, and the kind of object that answers it. */
export interface ApiRequest<Kind extends string = string> {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** The path below the server's address, such as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** A form other than the resource's own, such as `PartialObjectMetadataList`. */
  readonly as?: string;
  /** The type that decodes a list item from protobuf. Without it the request asks for JSON. */
  readonly item?: Type<object>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** The `kind` of the object in a successful response. */
  readonly kind: Kind;
  /** True if a `Status` is a successful response as well, as it is to a deletion. */
  readonly orStatus?: boolean;
  /** Absent for the usual limits. */
  readonly limits?: RetryLimits;
}

/** The limits of a request that must not take long. */
export interface RetryLimits {
  readonly attempts: number;
  /** The milliseconds that an attempt may go without receiving a byte. */
  readonly timeout: number;
  /** The seconds from the start of the first attempt to that of the last. */
  readonly seconds: number;
}

/** The object in a response. The program checks the kind, which decides the type, but not the fields. */
export type ResponseObject<Kind extends string = string> = Kind extends keyof ObjectTypes
  ? ObjectTypes[Kind]
  : UntypedObject;

/** A list, or an object of any other kind. */
interface UntypedObject {
  readonly kind?: string;
  readonly metadata?: V1ObjectMeta & ListMetadata;
  readonly [field: string]: unknown;
}

/** The metadata of a list. Only client-node's own code turns `continue` into `_continue`. */
export type ListMetadata = Omit<V1ListMeta, "_continue"> & { readonly continue?: string };

/**
 * The types of the objects that are requested one at a time. client-node's own code turns times into
 * `Date`; here they remain the strings of the JSON.
 */
interface ObjectTypes {
  readonly APIGroupList: V1APIGroupList;
  readonly DaemonSet: V1DaemonSet;
  readonly Deployment: V1Deployment;
  readonly Job: V1Job;
  readonly Lease: V1Lease;
  readonly Namespace: V1Namespace;
  readonly Pod: V1Pod;
  readonly ReplicaSet: V1ReplicaSet;
  readonly SelfSubjectAccessReview: V1SelfSubjectAccessReview;
  readonly SelfSubjectReview: V1SelfSubjectReview;
  readonly StatefulSet: V1StatefulSet;
}

/** The encodings in which lists are requested; single objects are always JSON. */
export const ENCODINGS = ["protobuf", "json"] as const;
export type Encoding = (typeof ENCODINGS)[number];
