import type { V1Container, V1LifecycleHandler, V1Probe } from "@kubernetes/client-node";
import { isObject, parseObject } from "../json-object.ts";

/**
 * The settings of an application that injection redirects to the sidecar. It records them in variables of
 * the sidecar: probes and hooks that the sidecar forwards, and the place of the metrics that it merges.
 * Source: Istio `pkg/kube/inject/app_probe.go` and `applyPrometheusMerge` in `pkg/kube/inject/webhook.go`.
 */
export interface OwnSettings {
  /** The handlers by the path on which the sidecar forwards them. */
  readonly handlers: Readonly<Record<string, unknown>>;
  /** The annotations about metrics, as the application had them; `undefined` if it had none. */
  readonly metrics: Readonly<Record<string, string>> | undefined;
}

export function ownSettings(proxy: V1Container | undefined): OwnSettings {
  const valueOf = (name: string) => proxy?.env?.find((one) => one.name === name)?.value;
  const metrics = parseObject(valueOf("ISTIO_PROMETHEUS_ANNOTATIONS"));
  return {
    handlers: parseObject(valueOf("ISTIO_KUBE_APP_PROBERS")) ?? {},
    metrics: metrics && metricsAnnotations(metrics),
  };
}

function metricsAnnotations(
  metrics: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ["scrape", "path", "port"].flatMap((name) => {
      const value = metrics[name];
      return typeof value === "string" && value !== "" ? [[`prometheus.io/${name}`, value]] : [];
    }),
  );
}

/** Returns annotations with those about metrics as the application had them. */
export function withOwnMetrics(
  annotations: Readonly<Record<string, string>>,
  { metrics }: OwnSettings,
): Readonly<Record<string, string>> {
  if (metrics === undefined) return annotations;
  const others = Object.entries(annotations).filter(([key]) => !key.startsWith("prometheus.io/"));
  return { ...Object.fromEntries(others), ...metrics };
}

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
const HOOKS = ["postStart", "preStop"] as const;

/** Returns a container with its probes and hooks as the application had them. */
export function withOwnProbes(container: V1Container, { handlers }: OwnSettings): V1Container {
  const own = structuredClone(container);
  for (const name of PROBES) {
    const probe = own[name];
    if (probe !== undefined) own[name] = withOwnHandler<V1Probe>(probe, handlers);
  }
  const { lifecycle } = own;
  for (const name of HOOKS) {
    const hook = lifecycle?.[name];
    if (lifecycle !== undefined && hook !== undefined) {
      lifecycle[name] = withOwnHandler<V1LifecycleHandler>(hook, handlers);
    }
  }
  return own;
}

function withOwnHandler<Handler extends V1Probe | V1LifecycleHandler>(
  redirected: Handler,
  handlers: OwnSettings["handlers"],
): Handler {
  const path = redirected.httpGet?.path ?? "";
  const found = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
  if (!isObject(found)) return redirected;
  const { httpGet: _, ...others } = redirected;
  const kinds = ["httpGet", "tcpSocket", "grpc"].filter((kind) => isObject(found[kind]));
  const handler = Object.fromEntries(kinds.map((kind) => [kind, found[kind]]));
  return { ...others, ...handler } as unknown as Handler;
}
