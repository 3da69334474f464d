import type { KubeObject } from "./kinds.ts";

/** Where objects lie. They are never changed in place: a write puts another object. */
export class Store {
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners: ((object: KubeObject) => void)[] = [];
  /** Groups of custom resources. */
  readonly installed = new Set<string>();
  /** Counts the writes: what `resourceVersion` says. */
  version = 1000;
  /** Lists up to this version cannot be continued any more. */
  compacted = 0;

  get(kind: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(`${kind}/${keyOf({ namespace, name })}`);
  }

  all(): KubeObject[] {
    return [...this.#objects.values()];
  }

  /** Sorted by namespace and name, as etcd's keys are. */
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

  /** Gives the object its resourceVersion. */
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

  onChange(listener: (object: KubeObject) => void): void {
    this.#listeners.push(listener);
  }

  #changed(object: KubeObject): void {
    this.version += 1;
    for (const listener of this.#listeners) listener(object);
  }
}

/** `shop/web`, or `shop` for what lies in no namespace. */
export function keyOf({ namespace, name }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
