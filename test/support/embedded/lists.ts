import type { KubeObject } from "./kinds.ts";
import { isReady, isTerminating } from "./pods.ts";
import { Refusal, expired, notImplemented } from "./refusal.ts";
import { type Store, keyOf } from "./store.ts";

/** Returns the requested page of the sorted `objects`, with the list's metadata. */
export function page(
  store: Store,
  objects: readonly KubeObject[],
  query: URLSearchParams,
): { readonly items: readonly KubeObject[]; readonly metadata: KubeObject } {
  const token = query.get("continue");
  const { rv, start } = token ? decode(token) : { rv: store.version, start: "" };
  if (rv > 0 && rv <= store.compacted) throw expired(encode({ rv: -1, start }));
  const rest = objects.filter(({ metadata }) => keyOf(metadata) >= start);
  const limit = Number(query.get("limit") ?? 0) || rest.length;
  const next = rest[limit];
  const resourceVersion = String(rv > 0 ? rv : store.version);
  const more = next && encode({ rv: Number(resourceVersion), start: keyOf(next.metadata) });
  return { items: rest.slice(0, limit), metadata: { resourceVersion, continue: more } };
}

interface Token {
  /** The version of the list's first page; -1 continues with the current objects. */
  readonly rv: number;
  readonly start: string;
}

function encode(token: Token): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function decode(token: string): Token {
  return JSON.parse(Buffer.from(token, "base64url").toString());
}

const SET = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/;
const EQUALITY = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/;
const EXISTS = /^(!?)\s*([\w./-]+)$/;

/** Returns a predicate for a `labelSelector` in any of its forms. */
export function labelPredicate(text: string): (labels?: Record<string, string>) => boolean {
  const terms = text.split(/,(?![^(]*\))/).map((term) => term.trim());
  const tests = terms.filter((term) => term !== "").map(requirement);
  return (labels = {}) => tests.every((test) => test(labels));
}

function requirement(text: string): (labels: Record<string, string>) => boolean {
  const set = SET.exec(text);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = new Set(list.split(",").map((value) => value.trim()));
    // As in Kubernetes, an object without the label satisfies `notin`.
    return (labels) => values.has(labels[key] ?? "\0") === (operator === "in");
  }
  const equality = EQUALITY.exec(text);
  if (equality) {
    const [, key = "", operator, value] = equality;
    return (labels) => (labels[key] === value) === (operator !== "!=");
  }
  const exists = EXISTS.exec(text);
  if (exists) {
    const [, not, key = ""] = exists;
    return (labels) => key in labels === (not === "");
  }
  throw new Refusal(400, "BadRequest", `unable to parse requirement: '${text}'`);
}

/** Returns a predicate for a `fieldSelector` over names and the fields of events. */
export function fieldPredicate(text: string): (object: KubeObject) => boolean {
  const terms = text.split(",").filter((term) => term !== "");
  const tests = terms.map((term) => {
    const [, path = "", value] = /^([\w.]+)==?(.*)$/.exec(term) ?? [];
    const fields = ["involvedObject.kind", "involvedObject.uid", "reason", "type", "metadata.name"];
    if (!fields.includes(path)) {
      throw notImplemented(`the field selector ${term}`);
    }
    const [first = "", second] = path.split(".");
    return (object: KubeObject) =>
      (second === undefined ? object[first] : object[first]?.[second]) === value;
  });
  return (object) => tests.every((test) => test(object));
}

/** Derives EndpointSlices from Services and pods; they are not stored. */
export function endpointSlices(store: Store, namespace: string | undefined): KubeObject[] {
  return store.list("Service", namespace).map(({ metadata, spec }) => {
    const wanted = Object.entries(spec.selector ?? {});
    const pods = store
      .list("Pod", metadata.namespace)
      .filter((pod) => wanted.every(([key, value]) => pod.metadata.labels?.[key] === value))
      .filter((pod) => wanted.length > 0 && !isTerminating(pod));
    return {
      metadata: {
        name: `${metadata.name}-slice`,
        namespace: metadata.namespace,
        uid: `${metadata.uid}-slice`,
        labels: { "kubernetes.io/service-name": metadata.name },
      },
      addressType: "IPv4",
      endpoints: pods.map((pod) => ({ conditions: { ready: isReady(pod) } })),
    };
  });
}
