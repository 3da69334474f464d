import { dump } from "js-yaml";
import type { Labels, LabelSelector } from "../../../src/snapshot.ts";

/**
 * The part of the sidecar template that contains the image, copied from istio/istio
 * `manifests/charts/istio-control/istio-discovery/files/injection-template.yaml`, release 1.31.
 */
export const SIDECAR_TEMPLATE = `metadata:
  annotations: {
    istio.io/rev: {{ .Revision | default "default" | quote }},
  }
spec:
  initContainers:
  {{ if .Values.pilot.cni.enabled -}}
  - name: istio-validation
  {{ else -}}
  - name: istio-init
  {{ end -}}
  {{- if contains "/" (annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy_init.image) }}
    image: "{{ annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy_init.image }}"
  {{- else }}
    image: "{{ .ProxyInitImage }}"
  {{- end }}
    args:
    - istio-iptables
    securityContext:
      allowPrivilegeEscalation: {{ .Values.global.proxy.privileged }}
      capabilities:
    {{- if not .Values.pilot.cni.enabled }}
        add:
        - NET_ADMIN
        - NET_RAW
    {{- end }}
  {{ if not $nativeSidecar }}
  containers:
  {{ end }}
  - name: istio-proxy
  {{- if contains "/" (annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy.image) }}
    image: "{{ annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy.image }}"
  {{- else }}
    image: "{{ .ProxyImage }}"
  {{- end }}
    {{ if $nativeSidecar }}restartPolicy: Always{{end}}
    ports:
    - containerPort: 15090
      protocol: TCP
      name: http-envoy-prom
    args:
    - proxy
    - sidecar
`;

/** The gateway template: `gateway-injection-template.yaml` of the same release. */
const GATEWAY_TEMPLATE = `spec:
  containers:
  - name: istio-proxy
  {{- if contains "/" (annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy.image) }}
    image: "{{ annotation .ObjectMeta \`sidecar.istio.io/proxyImage\` .Values.global.proxy.image }}"
  {{- else }}
    image: "{{ .ProxyImage }}"
  {{- end }}
    ports:
    - containerPort: 15090
      protocol: TCP
      name: http-envoy-prom
    args:
    - proxy
    - router
`;

/** The gateway template up to release 1.22, whose condition has no annotation. */
export const OLD_GATEWAY_TEMPLATE = GATEWAY_TEMPLATE.replace(
  "(annotation .ObjectMeta `sidecar.istio.io/proxyImage` .Values.global.proxy.image)",
  ".Values.global.proxy.image",
);

export interface ConfigOptions {
  readonly policy?: string;
  readonly defaultTemplates?: readonly string[];
  /**
   * Templates that replace or extend the default ones, as `sidecarInjectorWebhook.templates` does.
   */
  readonly templates?: Readonly<Record<string, string>>;
  readonly aliases?: Readonly<Record<string, readonly string[]>>;
  readonly never?: readonly LabelSelector[];
  readonly always?: readonly LabelSelector[];
}

export interface ValuesOptions {
  readonly hub?: string;
  /**
   * A tag as text or a number: Istio's charts accept both, and Helm passes a number on as a number.
   */
  readonly tag?: string | number;
  readonly variant?: string;
  /** `global.proxy.image`: the full image reference on AKS, the last part of its name upstream. */
  readonly image?: string;
  readonly cni?: boolean;
}

/** Returns the data of an `istio-sidecar-injector*` ConfigMap. */
export function injectorConfigMap(config: ConfigOptions, values: ValuesOptions): Labels {
  const { hub, tag, variant, image, cni = false } = values;
  if (image === undefined && (hub === undefined || tag === undefined)) {
    throw new Error("the chart needs a full image reference if hub or tag is missing");
  }
  const global = { hub, tag, variant, proxy: { image } };
  return {
    values: JSON.stringify(
      { global, revision: "", pilot: { cni: { enabled: cni } } },
      undefined,
      2,
    ),
    config: dump({
      defaultTemplates: config.defaultTemplates ?? ["sidecar"],
      policy: config.policy ?? "enabled",
      alwaysInjectSelector: config.always ?? [],
      neverInjectSelector: config.never ?? [],
      templates: { sidecar: SIDECAR_TEMPLATE, gateway: GATEWAY_TEMPLATE, ...config.templates },
      ...(config.aliases && { aliases: config.aliases }),
    }),
  };
}
