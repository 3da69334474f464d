import { unmetRequirements } from "../kubernetes/selector.ts";
import type { LabelRequirement, Namespace, PodTemplate } from "../snapshot.ts";
import type { Injector } from "./mesh.ts";

/** The selectors of one injector, matched against a namespace and a pod template. */
export interface InjectorMatch {
  readonly injector: Injector;
  /** The requirements that keep the API server from calling the injector. */
  readonly unmet: {
    readonly namespace: readonly LabelRequirement[];
    readonly template: readonly LabelRequirement[];
  };
  /** True if the API server calls the injector when a pod of the template is created. */
  readonly called: boolean;
}

export function matchInjectors(
  template: PodTemplate,
  namespace: Namespace,
  injectors: readonly Injector[],
): readonly InjectorMatch[] {
  return injectors.map((injector) => {
    const unmet = {
      namespace: unmetRequirements(namespace.labels, injector.namespaceSelector),
      template: unmetRequirements(template.labels, injector.objectSelector),
    };
    return { injector, unmet, called: unmet.namespace.length + unmet.template.length === 0 };
  });
}

/** The injectors that the API server calls when a pod of the template is created, in its order. */
export function calledInjectors(
  template: PodTemplate,
  namespace: Namespace,
  injectors: readonly Injector[],
): readonly Injector[] {
  return matchInjectors(template, namespace, injectors).flatMap(({ injector, called }) =>
    called ? [injector] : [],
  );
}
