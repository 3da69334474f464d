import { INJECTION_TEMPLATES, REVISION } from "../istio-labels.ts";
import { rolloutCommand } from "../kubernetes/kinds.ts";
import { kubectl, type NextStep, sentence } from "../next-step.ts";
import type { PodTemplate, Workload } from "../snapshot.ts";
import { choicesOf, choiceStep, installedRevisions } from "./choices.ts";
import { injectorElsewhere } from "./elsewhere.ts";
import { type Finding, istiodLogs, newestRevision, unknownOutcome } from "./findings.ts";
import { parseImage } from "./image.ts";
import { GATEWAY_NAME } from "./managed.ts";
import type { Mesh, Revision } from "./mesh.ts";
import { proxyImageFor } from "./proxy-image.ts";

/** The proxy of a rendered gateway, or the reason why it is unknown. */
export type RenderedProxy =
  | {
      readonly kind: "rendered";
      readonly revision: string;
      readonly image: string;
      /** The source of the image, for example `configmap/istio-sidecar-injector-asm-1-27`. */
      readonly source: string;
    }
  | { readonly kind: "unknown"; readonly finding: Finding };

/**
 * Predicts the proxy that istiod renders for a gateway or waypoint now. Istiod renders it again only
 * while its revision is installed; otherwise, the target is what the newest revision would render
 * once the Gateway is labelled with it.
 * Rule: Istio `pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go`.
 *
 * @returns `undefined` if the workload does not say which revision rendered it, or if the ConfigMap
 *   of an installed revision does not tell the image.
 */
export function predictRenderedGateway(workload: Workload, mesh: Mesh): RenderedProxy | undefined {
  const name = renderingRevision(workload);
  if (name === undefined) return undefined;
  if (isGone(name, mesh)) {
    const newest = mesh.revisions.get(newestRevision(mesh) ?? "");
    return (
      (newest && renderedBy(newest, workload)) ?? {
        kind: "unknown",
        finding: gatewayFinding(workload, mesh),
      }
    );
  }
  const revision = mesh.revisions.get(name);
  if (revision !== undefined) return renderedBy(revision, workload);
  if (mesh.istiods?.has(name) === true) return undefined;
  const elsewhere = injectorElsewhere(name, mesh);
  const finding = elsewhere
    ? unknownOutcome.noControlPlane(elsewhere, mesh.istioNamespace)
    : unknownOutcome.noConfigMap(name, mesh.istioNamespace);
  return { kind: "unknown", finding };
}

/** Explains why istiod does not keep a rendered gateway on target, and how to have it rendered again. */
export function gatewayFinding(workload: Workload, mesh: Mesh): Finding {
  const name = renderingRevision(workload) ?? "";
  if (isGone(name, mesh)) {
    return {
      code: "gateway-revision-gone",
      reason: `it was rendered by the revision ${name}, which is not installed: nothing updates it, and a restart makes the same pods again`,
      nextStep:
        installedRevisions(mesh).length === 0
          ? "no revision is installed that could render it: install one first"
          : relabelStep(workload, mesh),
    };
  }
  const rendered = predictRenderedGateway(workload, mesh);
  if (rendered?.kind === "rendered" && workload.template?.proxy?.image === rendered.image) {
    return {
      code: "gateway-rolling",
      reason: `the revision ${name} has rendered it again, and its old pods are not replaced yet`,
      nextStep: rolloutCommand("status", workload),
    };
  }
  // A label that the Gateway has already changes nothing.
  const isLabelled = workload.labels[REVISION] === name;
  return {
    code: "gateway-not-updated",
    reason: `the revision ${name} renders another image than it runs, and has not updated it: a restart makes the same pods again`,
    nextStep: isLabelled
      ? sentence`look for an error of istiod about the Gateway: ${istiodLogs(name, mesh)}`
      : relabelStep(workload, mesh, name),
  };
}

/** The milliseconds in which istiod renders its gateways again after a change, with room for load. */
const RENDERING_TIME = 30_000;

/**
 * True if the target of a gateway changed a moment ago, so that istiod is still about to render it. Both
 * times are those of the API server.
 */
export function isBeingRendered(workload: Workload, { revisions, readAt }: Mesh): boolean {
  const changedAt = revisions.get(renderingRevision(workload) ?? "")?.changedAt;
  if (changedAt === undefined || readAt === undefined) return false;
  return readAt.getTime() - Date.parse(changedAt) < RENDERING_TIME;
}

/** The revision that rendered the template; pods of an earlier rendering may name another one. */
function renderingRevision({ template, pods }: Workload): string | undefined {
  return template?.annotations[REVISION] ?? pods.find(({ revision }) => revision)?.revision;
}

/** True if a revision is not installed, in this Istio namespace or in another one. */
function isGone(name: string, mesh: Mesh): boolean {
  const { revisions, revisionsUnread, istiods } = mesh;
  const isHere = revisions.has(name) || istiods?.has(name) === true;
  const isUnread = revisionsUnread || istiods === undefined;
  return !isHere && !isUnread && injectorElsewhere(name, mesh) === undefined;
}

/** The names of Istio's templates for gateways and waypoints. Both set the image by the same rule. */
const RENDERED_TEMPLATES = ["kube-gateway", "waypoint"];

function renderedBy(revision: Revision, { template, pods }: Workload): RenderedProxy | undefined {
  const { config, name, source, meshImageType } = revision;
  if (config.kind === "malformed" || template === undefined) return undefined;
  const chosen = RENDERED_TEMPLATES.find((one) => Object.hasOwn(config.value.templates, one));
  const { [INJECTION_TEMPLATES]: _, ...annotations } = template.annotations;
  const asRendered: PodTemplate = {
    ...template,
    annotations: chosen ? { ...annotations, [INJECTION_TEMPLATES]: chosen } : annotations,
    // The template names the image that istiod rendered last; it pins nothing.
    proxy: undefined,
  };
  const proxy = proxyImageFor(asRendered, config.value, meshImageType);
  if (proxy.kind !== "image") return undefined;
  // A ProxyConfig, which is not read, may choose another type of a composed image.
  const isComposed = !config.value.values.proxyImage.includes("/");
  const running = [template.proxy?.image, ...pods.map(({ image }) => image)];
  const variant =
    isComposed && running.find((image) => image !== undefined && isVariant(image, proxy.image));
  const image = variant || proxy.image;
  return { kind: "rendered", revision: name, image, source };
}

/** True if two images differ at most in their type, such as `distroless`. */
function isVariant(one: string, other: string): boolean {
  const plain = (image: string) => {
    const { repository, tag } = parseImage(image);
    return `${repository}:${tag?.replace(/-(?:distroless|debug)$/, "")}`;
  };
  return plain(one) === plain(other);
}

/** The resource of Gateways, for kubectl. */
export const GATEWAYS = "gateways.gateway.networking.k8s.io";

/**
 * Returns the step that labels the Gateway of a rendered workload.
 *
 * @param revision the revision to name; by default, each one that the user may mean.
 */
export function relabelStep(workload: Workload, mesh: Mesh, revision?: string): NextStep {
  const { labels, template, namespace } = workload;
  const name = template?.labels[GATEWAY_NAME] ?? labels[GATEWAY_NAME];
  const stepTo = (to: string) => {
    const label = `${REVISION}=${to}`;
    return name === undefined
      ? `set the label ${label} on its Gateway`
      : kubectl("label", GATEWAYS, name, "-n", namespace, label, "--overwrite");
  };
  const step =
    revision === undefined ? choiceStep(choicesOf(mesh, stepTo), mesh) : stepTo(revision);
  return name === undefined
    ? sentence`${step}; find it: ${kubectl("get", GATEWAYS, "-n", namespace, "--show-labels")}`
    : step;
}
