import type { KubeObject } from "./kinds.ts";

/** The store of all objects. An object is never changed in place: a write replaces it. */
export class Store {
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<(object: KubeObject) => void>();
  /** The API groups of installed custom resources. */
  readonly installed = new Set<string>();
  /** The number of writes, which is the newest `resourceVersion`. */
  version = 1000;
  /** The newest version that lists can no longer continue from. */
  compacted = 0;

  get(kind: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(`${kind}/${keyOf({ namespace, name })}`);
  }

  all(): KubeObject[] {
    return [...this.#objects.values()];
  }

  /** Returns objects sorted by namespace and name, like etcd's keys. */
  list(kind: string, namespace?: string): KubeObject[] {
    return this.all()
      .filter((object) => object.kind === kind)
      .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      .sort((a, b) => (keyOf(a.metadata) < keyOf(b.metadata) ? -1 : 1));
  }

  owned({ metadata: { uid } }: KubeObject): KubeObject[] {
    return this.all().filter(({ metadata }) =>
      metadata.ownerReferences?.some((owner: KubeObject) => owner.uid === uid),
    );
  }

  /** Stores the object with a new resourceVersion. */
  put(object: KubeObject): KubeObject {
    const metadata = { ...object.metadata, resourceVersion: String(this.version + 1) };
    const stored = { ...object, metadata };
    this.#objects.set(`${object.kind}/${keyOf(metadata)}`, stored);
    this.#changed(stored);
    return stored;
  }

  drop(object: KubeObject): void {
    this.#objects.delete(`${object.kind}/${keyOf(object.metadata)}`);
    this.#changed(object);
  }

  /** @returns a function that removes the listener. */
  onChange(listener: (object: KubeObject) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #changed(object: KubeObject): void {
    this.version += 1;
    for (const listener of this.#listeners) listener(object);
  }
}

/** The key `shop/web`, or `shop` for an object without a namespace. */
export function keyOf({ namespace, name }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
