/** The minimal part of the Gateway API with which Gateways can be listed. */
export const GATEWAY_CRD = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "gateways.gateway.networking.k8s.io",
    annotations: { "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api" },
  },
  spec: {
    group: "gateway.networking.k8s.io",
    names: { kind: "Gateway", listKind: "GatewayList", plural: "gateways", singular: "gateway" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    ],
  },
};
