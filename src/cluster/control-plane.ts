import type {
  V1ConfigMap,
  V1Deployment,
  V1EndpointSlice,
  V1MutatingWebhookConfiguration,
  V1Service,
} from "@kubernetes/client-node";
import { groupPath } from "../kubernetes/api-paths.ts";
import type { ControlPlane } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import type { Gaps } from "./gaps.ts";
import { listAll } from "../http/pages.ts";
import {
  istiodRecord,
  readyEndpoints,
  serviceRecord,
  valuesChangedAt,
  webhookRecords,
} from "./control-plane-records.ts";

/** Reads the objects that injection depends on: five lists, regardless of the cluster's size. */
export async function readControlPlane(
  api: Api,
  istioNamespace: string,
  gaps: Gaps,
): Promise<ControlPlane> {
  const list = <Item extends object>(resource: string, group: string, kind: string) => {
    const [plural = ""] = resource.split(".");
    return gaps.during(
      { verb: "list", resource, namespace: istioNamespace, about: "injection" },
      (inconsistent) => {
        const path = `${groupPath(group, istioNamespace)}/${plural}`;
        return listAll<Item>(api, { path, kind, inconsistent });
      },
    );
  };
  const [configurations, configMaps, services, slices, deployments] = await Promise.all([
    gaps.during(
      {
        verb: "list",
        resource: "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        namespace: undefined,
        about: "injection",
      },
      (inconsistent) =>
        listAll<V1MutatingWebhookConfiguration>(api, {
          inconsistent,
          path: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
          kind: "MutatingWebhookConfigurationList",
        }),
    ),
    list<V1ConfigMap>("configmaps", "v1", "ConfigMapList"),
    list<V1Service>("services", "v1", "ServiceList"),
    list<V1EndpointSlice>(
      "endpointslices.discovery.k8s.io",
      "discovery.k8s.io/v1",
      "EndpointSliceList",
    ),
    list<V1Deployment>("deployments.apps", "apps/v1", "DeploymentList"),
  ]);
  return {
    istioNamespace,
    // The API server calls webhooks in the order of their configurations' names.
    webhooks:
      configurations &&
      [...configurations]
        .sort((a, b) => ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1))
        .flatMap(webhookRecords),
    configMaps:
      configMaps &&
      new Map(configMaps.map(({ metadata, data }) => [metadata?.name ?? "", data ?? {}])),
    valuesChangedAt: new Map(
      (configMaps ?? []).flatMap((configMap) => {
        const time = valuesChangedAt(configMap);
        return time === undefined ? [] : [[configMap.metadata?.name ?? "", time] as const];
      }),
    ),
    readAt: api.serverTime?.(),
    services: services?.map(serviceRecord),
    readyEndpoints: slices && sumByService(slices),
    istiods: deployments?.flatMap((deployment) => istiodRecord(deployment) ?? []),
  };
}

function sumByService(slices: readonly V1EndpointSlice[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [service, ready] of slices.map(readyEndpoints)) {
    sums.set(service, (sums.get(service) ?? 0) + ready);
  }
  return sums;
}
