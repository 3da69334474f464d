import type { Labels, Namespace } from "../../../src/snapshot.ts";

export interface NamespaceOptions {
  /** The label `istio.io/rev`. */
  readonly rev?: string;
  /** The label `istio-injection`. */
  readonly injection?: string;
  /** Other labels. */
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

export function namespace(name: string, options: NamespaceOptions = {}): Namespace {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) {
    throw new Error(`"${name}" is not a valid namespace name`);
  }
  const { rev, injection, labels = {}, annotations = {} } = options;
  return {
    name,
    labels: {
      // The API server sets this label on every namespace.
      "kubernetes.io/metadata.name": name,
      ...labels,
      ...(rev === undefined ? {} : { "istio.io/rev": rev }),
      ...(injection === undefined ? {} : { "istio-injection": injection }),
    },
    annotations,
  };
}
