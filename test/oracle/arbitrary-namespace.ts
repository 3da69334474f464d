import { type Arbitrary, array, constant, constantFrom, tuple } from "fast-check";
import { compact, oneOf, sometimes, unlikely } from "./chance.ts";
import { KINDS, type Labels, REWRITES, type TestNamespace, type Workload } from "./world.ts";

export const WORKLOADS_PER_NAMESPACE = 8;

/** A namespace with labels in each step, and with workloads. */
export function testNamespace(): Arbitrary<TestNamespace> {
  const labels = compact<Labels>({
    "istio.io/rev": oneOf<string | undefined>(
      [7, constant("asm-1-27")],
      [7, constant("asm-1-28")],
      [6, constant("prod")],
      [1, constantFrom("default", "default", "gone", "")],
      [2, constant("other-mesh")],
      [3, constant(undefined)],
    ),
    "istio-injection": unlikely(12, constantFrom("enabled", "enabled", "disabled", "foo", "")),
    "pod-security.kubernetes.io/enforce": unlikely(
      10,
      constantFrom("privileged", "baseline", "restricted"),
    ),
  });
  const workloads = array(workload(), {
    minLength: WORKLOADS_PER_NAMESPACE,
    maxLength: WORKLOADS_PER_NAMESPACE,
  });
  const settings = compact<Pick<TestNamespace, "aks" | "rewrite" | "proxyConfig">>({
    aks: unlikely(8, constant(true)),
    rewrite: unlikely(6, constantFrom(...REWRITES)),
    proxyConfig: unlikely(8, constantFrom("debug", "distroless")),
  });
  return tuple(labels, labels, sometimes(4), settings, workloads).map(
    ([before, other, moved, chosen, all]) => ({
      before,
      now: moved ? other : before,
      ...chosen,
      workloads: all,
    }),
  );
}

function workload(): Arbitrary<Workload> {
  return compact<Workload>({
    kind: constantFrom("Deployment" as const, "StatefulSet" as const, ...KINDS),
    when: constantFrom("before", "now"),
    labels: compact<Labels>({
      "sidecar.istio.io/inject": unlikely(8, injectValue()),
      "istio.io/rev": unlikely(
        5,
        constantFrom("asm-1-27", "asm-1-28", "prod", "gone", "other-mesh"),
      ),
      mesh: unlikely(3, constantFrom("on", "off")),
    }),
    annotations: compact<Labels>({
      "sidecar.istio.io/inject": unlikely(8, injectValue()),
      "sidecar.istio.io/proxyImage": unlikely(
        10,
        constantFrom("x/proxyv2:v9", "proxyv2-custom", ""),
      ),
      "sidecar.istio.io/proxyImageType": unlikely(
        6,
        constantFrom("debug", "distroless", "default", ""),
      ),
      "sidecar.istio.io/nativeSidecar": unlikely(6, constantFrom("true", "false")),
      "inject.istio.io/templates": unlikely(
        8,
        constantFrom(
          "gateway",
          "sidecar",
          "sidecar,gateway",
          "sidecar,custom",
          "grpc-agent",
          "nope",
          "",
        ),
      ),
      "proxy.istio.io/config": unlikely(
        10,
        constantFrom('{"image":{"imageType":"distroless"}}', "concurrency: 2", "image: {}"),
      ),
    }),
    proxy: unlikely(8, constantFrom("auto", "custom:1")),
    hostNetwork: unlikely(16, constant(true as const)),
    aks: unlikely(12, constant(true as const)),
    byHand: unlikely(10, constant(true as const)),
    stripped: unlikely(10, constant(true as const)),
    selected: unlikely(3, constant(true as const)),
    idle: unlikely(10, constant(true as const)),
  });
}

function injectValue(): Arbitrary<string> {
  return constantFrom("true", "true", "true", "false", "false", "yes", "False", "");
}
