import { count } from "../wording.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import {
  type Command,
  istioctl,
  istioUpgrade,
  kubectl,
  type NextStep,
  sentence,
} from "../next-step.ts";
import type { Namespace, PodGroup, PodTemplate, Workload, WorkloadRef } from "../snapshot.ts";
import { compareRevisions } from "./revision-order.ts";
import { type Choice, choicesOf, choiceStep, installedRevisions } from "./choices.ts";
import type { Injector, Mesh } from "./mesh.ts";
import { AKS_ISTIO_NAMESPACE, INJECT, INJECTION, REVISION } from "../istio-labels.ts";

/** An explanation for the user: a stable code, a reason, and a next step. */
export interface Finding {
  /** A code in kebab-case that never changes after its release. */
  readonly code: string;
  /** A sentence that names the object and the field behind the finding. */
  readonly reason: string;
  /** An instruction that ends with a command if one exists; empty if nothing needs to be done. */
  readonly nextStep: NextStep;
  /** The revisions that the user may have meant, if `nextStep` consists of the steps to them. */
  readonly choices?: readonly Choice[];
}

/** Describes why the API server cannot call an injector. */
function outageText({ outage, service }: Injector): string {
  const name = `service ${service?.namespace ?? "?"}/${service?.name ?? "?"}`;
  switch (outage) {
    case "no-service":
      return `${name} does not exist`;
    case "no-authority":
      return `the webhook has no caBundle to verify ${name} with`;
    default:
      return `${name} has no ready endpoint`;
  }
}

/** Istiod adds its CA certificate only to webhook configurations with the label of its revision. */
function addCertificateStep({ configuration, revision }: Injector): NextStep {
  return revision === undefined
    ? sentence`check the label ${REVISION}, by which istiod finds this configuration: ${kubectl("get", "mutatingwebhookconfigurations", configuration, "--show-labels")}`
    : kubectl(
        "label",
        "mutatingwebhookconfigurations",
        configuration,
        `${REVISION}=${revision}`,
        "--overwrite",
      );
}

/** Findings about pods that would start without a sidecar. */
export const notInjected = {
  unavailableWebhook: (injector: Injector): Finding => ({
    code: "webhook-dead-ignored",
    reason: `the injector ${injector.configuration} does not answer (${outageText(injector)}) and its failurePolicy is Ignore`,
    nextStep:
      injector.outage === "no-authority"
        ? addCertificateStep(injector)
        : sentence`restore the control plane: ${kubectl("get", "pods,endpoints", "-n", injector.service?.namespace ?? AKS_ISTIO_NAMESPACE)}`,
  }),
  hostNetwork: (): Finding => ({
    code: "host-network",
    reason: "the pod template sets hostNetwork: istiod never injects such pods",
    nextStep: "remove hostNetwork from the pod template, or take the workload out of the mesh",
  }),
  systemNamespace: ({ name }: Namespace): Finding => ({
    code: "system-namespace",
    reason: `istiod never injects pods in the namespace ${name}`,
    nextStep: "move the workload to another namespace",
  }),
  optedOut: (place: "label" | "annotation", value: string): Finding => ({
    code: "inject-false",
    reason: `the pod template's ${place} ${INJECT}=${value} opts out of injection`,
    nextStep: `remove the ${place} ${INJECT} from the pod template`,
  }),
  neverSelector: (source: string): Finding => ({
    code: "never-selector",
    reason: `neverInjectSelector of ${source} matches the pod template's labels`,
    nextStep: `change the labels, or neverInjectSelector in ${source}`,
  }),
  policy: (source: string): Finding => ({
    code: "policy-disabled",
    reason: `the injection policy of ${source} injects only pods that ask for it`,
    nextStep: `add the label ${INJECT}=true to the pod template, or change the policy in ${source}`,
  }),
  noWebhook,
} as const;

/** Explains by the labels why no webhook selects a pod. */
function noWebhook(template: PodTemplate, namespace: Namespace, mesh: Mesh): Finding {
  const [rev, injection] = [namespace.labels[REVISION], namespace.labels[INJECTION]];
  const options = rev === undefined && injection === undefined ? [] : ["--overwrite"];
  const relabel = (...removed: readonly string[]) =>
    chosen(mesh, (revision) => {
      const labels = [...removed, `${REVISION}=${revision}`];
      return kubectl("label", "namespace", namespace.name, ...labels, ...options);
    });
  if (template.labels[INJECT] === "false") return notInjected.optedOut("label", "false");
  if (injection !== undefined && rev !== undefined) {
    return {
      code: "both-labels",
      reason: `namespace ${namespace.name} has both ${INJECTION}=${injection} and ${REVISION}=${rev}: any ${INJECTION} label disables the revision's injector`,
      nextStep: kubectl("label", "namespace", namespace.name, `${INJECTION}-`),
    };
  }
  if (injection === "enabled") {
    return {
      code: "no-default-revision",
      reason: `namespace ${namespace.name} has ${INJECTION}=enabled, but there is no default revision`,
      ...relabel(`${INJECTION}-`),
    };
  }
  if (injection !== undefined) {
    return {
      code: "injection-disabled",
      reason: `namespace ${namespace.name} has ${INJECTION}=${injection}, which disables injection`,
      ...relabel(`${INJECTION}-`),
    };
  }
  if (rev !== undefined) {
    return noSelectingWebhook(`namespace ${namespace.name} has ${REVISION}=${rev}`, rev, mesh, () =>
      relabel(),
    );
  }
  const podRev = template.labels[REVISION];
  if (podRev !== undefined) {
    return noSelectingWebhook(
      `the pod template has the label ${REVISION}=${podRev}`,
      podRev,
      mesh,
      () => chosen(mesh, (revision) => `set the label ${REVISION}=${revision} in the pod template`),
    );
  }
  if (template.labels[INJECT] === "true") {
    return {
      code: "no-default-revision",
      reason: `the pod template asks for injection with ${INJECT}=true alone, but there is no default revision`,
      ...relabel(),
    };
  }
  return {
    code: "no-label",
    reason: `neither namespace ${namespace.name} nor the pod template has a label that asks for injection`,
    ...relabel(),
  };
}

/** Returns the steps to every revision that the user may have meant. */
function chosen(
  mesh: Mesh,
  stepTo: (revision: string) => Command | string,
): Pick<Finding, "nextStep" | "choices"> {
  const choices = choicesOf(mesh, stepTo);
  return { nextStep: choiceStep(choices, mesh), choices };
}

/** Explains a label that names a revision or a tag whose webhooks do not select the pod. */
function noSelectingWebhook(
  label: string,
  rev: string,
  mesh: Mesh,
  fix: () => Pick<Finding, "nextStep" | "choices">,
): Finding {
  const installed = mesh.revisions.has(rev);
  if (!installed && !mesh.revisionsUnread) {
    return {
      code: "revision-gone",
      reason: `${label}, which names no installed revision or tag`,
      ...fix(),
    };
  }
  const known = installed
    ? "whose ConfigMap exists, but none of its webhooks selects the pod"
    : "but no webhook of that revision or tag selects the pod; could not read whether it is installed";
  return {
    code: "webhook-missing",
    reason: `${label}, ${known}`,
    nextStep: sentence`list its webhooks: ${kubectl("get", "mutatingwebhookconfigurations", "-l", `${REVISION}=${rev}`, "-o", "yaml")}`,
  };
}

/** The last revision by name. On AKS, this is the newest one. */
export function newestRevision(mesh: Mesh, except?: string): string | undefined {
  return installedRevisions(mesh)
    .filter((name) => name !== except)
    .toSorted(compareRevisions)
    .at(-1);
}

const LOWER_LEVEL =
  "lower the namespace's pod-security.kubernetes.io/enforce label, or use Istio CNI";

/** Findings about pods that the API server would reject. */
export const blockedBy = {
  unavailableWebhook: (injector: Injector): Finding => ({
    code: "webhook-dead",
    reason: `the injector ${injector.configuration} does not answer (${outageText(injector)}) and its failurePolicy is Fail: new pods are rejected`,
    nextStep:
      injector.outage === "no-authority"
        ? addCertificateStep(injector)
        : `restore the control plane, or delete the webhook configuration ${injector.configuration} if its revision is gone`,
  }),
  /** @param subject a clause about the rejected pod, for example `its pods are rejected`. */
  refusal: (subject: string, message: string): Finding => {
    const security = message.includes("violates PodSecurity");
    return {
      code: security ? "pod-security" : "pod-refused",
      reason: `${subject}: ${message}`,
      nextStep: security ? LOWER_LEVEL : "fix the cause above, or new pods will be rejected too",
    };
  },
  windows: (revision: string): Finding => ({
    code: "windows",
    reason: `its pods run on Windows, where no sidecar can run, and ${revision} would inject one: new pods would be rejected, or would not start`,
    nextStep: `set the label ${INJECT}=false in the pod template`,
  }),
  /** @param why explains why nothing injects the pods. */
  imageLeftOpen: (why: Finding): Finding => ({
    code: "image-auto",
    reason: `the pod template's container istio-proxy has the image auto, which only injection replaces: new pods cannot run, since ${why.reason}`,
    nextStep: why.nextStep,
  }),
  podSecurity: (namespace: string, level: string, needs: string, source: string): Finding => ({
    code: "pod-security",
    reason: `namespace ${namespace} has pod-security.kubernetes.io/enforce=${level}, and ${needs} (${source}): new pods are rejected`,
    nextStep: LOWER_LEVEL,
  }),
  duplicateProxy: (templates: readonly string[], source: string): Finding => ({
    code: "templates-collide",
    reason: `the injection templates ${templates.join(" and ")} of ${source} both define a container istio-proxy, one of them as a native sidecar: new pods are rejected`,
    nextStep:
      "keep only one of them in the pod template's annotation inject.istio.io/templates, or set sidecar.istio.io/nativeSidecar=false there",
  }),
  /** Explains a sidecar that was injected by hand, and that nothing replaces. */
  handInjectedGone: (revision: string, mesh: Mesh): Finding => ({
    code: "injected-by-hand-gone",
    reason: `the pod template was injected by hand for the revision ${revision}, which is not installed: the sidecars of new pods would find no control plane`,
    nextStep: sentence`inject the original manifest again: ${choiceStep(
      choicesOf(mesh, (name) =>
        istioctl(
          "kube-inject",
          "-f",
          "FILE",
          "--revision",
          name,
          "--istioNamespace",
          mesh.istioNamespace,
        ),
      ),
      mesh,
    )}`,
  }),
  missingTemplate: (name: string, known: readonly string[], source: string): Finding => ({
    code: "template-missing",
    reason: `the pod template asks for the injection template ${JSON.stringify(name)}, which ${source} lacks (it has ${known.join(", ") || "none"}): new pods are rejected`,
    nextStep: "correct the annotation inject.istio.io/templates in the pod template",
  }),
} as const;

/**
 * Explains a webhook that calls a URL. No object in the cluster names the revision of the istiod at
 * the URL. The path of the URL only sets environment variables of the proxy (Istio
 * `pkg/kube/inject/webhook.go`, `parseInjectEnvs`).
 */
function remoteControlPlane(configuration: string, url: string): Finding {
  return {
    code: "control-plane-remote",
    reason: `${configuration} calls ${url}: the cluster does not show which revision answers there`,
    nextStep: sentence`only a dry run can tell; check that you may do one: ${kubectl("auth", "can-i", "create", "pods")}`,
  };
}

const DRY_RUN_BY_HAND = sentence`try a pod with this template: ${kubectl("create", "--dry-run=server", "-o", "yaml", "-f", "POD_FILE")}`;

/** The command that shows the log of a revision's istiod. */
export function istiodLogs(
  revision: string,
  { revisions, istioNamespace }: Pick<Mesh, "revisions" | "istioNamespace">,
): Command {
  const name = revisions.get(revision)?.istiod?.name ?? `istiod-${revision}`;
  return kubectl("logs", `deployment/${name}`, "-n", istioNamespace);
}

/**
 * A policy that sets the image has the same effect as a ConfigMap that istiod has not loaded, and a
 * dry run does not show which of the two it is.
 *
 * @param image the image that new pods get.
 */
export function configNotLoaded(
  { image: target, revision, source }: Record<"image" | "revision" | "source", string>,
  image: string,
  mesh: Pick<Mesh, "revisions" | "istioNamespace">,
): Finding {
  return {
    code: "config-not-loaded",
    reason: `${source} says ${target}, but new pods get ${image}: istiod has not loaded it, or a policy sets another image`,
    nextStep: sentence`repeat the command in a minute; if the finding stays, look for an error of istiod: ${istiodLogs(revision, mesh)}; if there is none, look for a webhook or a MutatingAdmissionPolicy that sets images: ${kubectl("get", "mutatingwebhookconfigurations")}`,
  };
}

function proveStep(namespace: string): NextStep {
  return sentence`only a dry run can tell, which needs the permission: ${kubectl("auth", "can-i", "create", "pods", "-n", namespace)}; then: ${istioUpgrade("check", "--namespace", namespace, "--prove=auto")}`;
}

/** Findings about pods for which the outcome of injection is unknown. */
export const unknownOutcome = {
  webhooksUnread: (): Finding => ({
    code: "webhooks-unread",
    reason: "could not read the MutatingWebhookConfigurations, so injection cannot be predicted",
    nextStep: kubectl(
      "auth",
      "can-i",
      "list",
      "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    ),
  }),
  matchConditions: (configuration: string): Finding => ({
    code: "match-conditions",
    reason: `${configuration} has matchConditions, which only the API server can evaluate`,
    nextStep: DRY_RUN_BY_HAND,
  }),
  injectedByHand: (): Finding => ({
    code: "injected-by-hand",
    reason:
      "the pod template was injected by hand (kube-inject): whether a webhook replaces its sidecar, only a dry run shows",
    nextStep: kubectl("auth", "can-i", "create", "pods"),
  }),
  severalRevisions: (configurations: readonly string[]): Finding => ({
    code: "several-revisions",
    reason: `webhooks of different revisions select the pod: ${configurations.join(", ")}`,
    nextStep: "keep only one label that selects a revision, on the namespace or the pod template",
  }),
  noControlPlane: (
    { configuration, service, url, elsewhere }: Injector,
    istioNamespace: string,
  ): Finding => {
    if (service === undefined) return remoteControlPlane(configuration, url ?? "");
    const { namespace, name } = service;
    if (elsewhere?.kind === "remote") {
      const backend = `service ${namespace}/${name}, which selects no pods of this cluster`;
      return remoteControlPlane(configuration, backend);
    }
    return {
      code: "control-plane-unread",
      reason: `could not tell which revision is behind ${configuration} (service ${namespace}/${name})`,
      nextStep:
        namespace === istioNamespace
          ? kubectl("get", "services,deployments", "-n", istioNamespace)
          : sentence`check with the control plane of that namespace: ${istioUpgrade("check", "--istio-namespace", namespace)}`,
    };
  },
  noConfigMap: (revision: string, istioNamespace: string): Finding => ({
    code: "config-unread",
    reason: `could not read the ConfigMap of the revision ${revision} in ${istioNamespace}`,
    nextStep: kubectl("get", "configmaps", "-n", istioNamespace),
  }),
  badConfigMap: (source: string, istioNamespace: string, problem: string): Finding => ({
    code: "config-malformed",
    reason: `${source} cannot be used: ${problem}`,
    nextStep: kubectl("describe", source, "-n", istioNamespace),
  }),
  unknownTemplate: (template: string, source: string): Finding => ({
    code: "template-foreign",
    reason: `the injection template ${JSON.stringify(template)} in ${source} chooses the image in a way that istio-upgrade does not know`,
    nextStep: DRY_RUN_BY_HAND,
  }),
  duplicateProxy: (templates: readonly string[], revision: string): Finding => ({
    code: "templates-collide",
    reason: `the injection templates ${templates.join(" and ")} both define a container istio-proxy: new pods are rejected if ${revision} makes it a native sidecar in one of them, which depends on the nodes`,
    nextStep:
      "set the pod template's annotation sidecar.istio.io/nativeSidecar, or keep only one template in inject.istio.io/templates",
  }),
  injectValue: (place: string, value: string): Finding => ({
    code: "inject-value",
    reason: `the pod template's ${place} ${INJECT}=${JSON.stringify(value)} means different things to different versions of istiod`,
    nextStep: `use "true" or "false" in the ${place} ${INJECT}`,
  }),
  namespaceUnread: (name: string): Finding => ({
    code: "namespace-unread",
    reason: `could not read the labels of namespace ${name}`,
    nextStep: kubectl("auth", "can-i", "get", `namespaces/${name}`),
  }),
  malformed: (workload: WorkloadRef, problem: string): Finding => ({
    code: "template-malformed",
    reason: `the pod template is malformed: ${problem}`,
    nextStep: sentence`correct the pod template: ${kubectl("edit", resourceName(workload), "-n", workload.namespace)}`,
  }),
  rewritten: ({ namespace }: WorkloadRef, image: string, target: string, why: string): Finding => ({
    code: "image-rewritten",
    reason: `runs ${image}, which may be ${target} under another name: a policy may change the image after injection, so that a restart changes nothing; no dry run shows it: ${why}`,
    nextStep: proveStep(namespace),
  }),
  otherOrigin: (
    { namespace }: WorkloadRef,
    image: string,
    target: string,
    why: string,
  ): Finding => ({
    code: "image-rewritten",
    reason: `runs ${image}, which is not from the registry and path of the revision's image: a policy may change the image after injection, so that new pods get another one than ${target}; no dry run shows it: ${why}`,
    nextStep: proveStep(namespace),
  }),
  nothingNewer: (
    { namespace }: WorkloadRef,
    image: string,
    source: string,
    why: string,
  ): Finding => ({
    code: "nothing-newer",
    reason: `its pods were created after ${source} last changed, and run ${image}: a restart may give them the same again; no dry run shows it: ${why}`,
    nextStep: proveStep(namespace),
  }),
  proxyConfig: (
    { namespace }: WorkloadRef,
    target: string,
    config: string,
    why: string,
  ): Finding => ({
    code: "proxy-config",
    reason: `${config} may give new pods another image than ${target}; no dry run shows it: ${why}`,
    nextStep: proveStep(namespace),
  }),
  unexpectedError: (workload: WorkloadRef, message: string): Finding => ({
    code: "unexpected-error",
    reason: `could not be assessed because of an unexpected error: ${message}`,
    nextStep: sentence`look for a value of an unusual shape, and report the error as a bug: ${kubectl("get", resourceName(workload), "-n", workload.namespace, "-o", "yaml")}`,
  }),
  notReplaced: (
    workload: Workload,
    { pods, podNames, image = "", reported }: PodGroup,
  ): Finding => {
    const [pod = ""] = podNames;
    const { namespace, kind, rollout } = workload;
    const inNamespace = ["-n", namespace];
    const wait = "wait until the kubelet has replaced the container; if it does not,";
    return {
      code: "container-not-replaced",
      reason: `the spec of ${count(pods, "pod")} says ${image}, but the status of the container istio-proxy says ${reported?.image ?? ""}: the spec was changed in place`,
      nextStep:
        rollout !== undefined && kind !== "Rollout"
          ? sentence`${wait} restart the workload: ${kubectl("rollout", "restart", resourceName(workload), ...inNamespace)}`
          : kind === "Pod"
            ? sentence`${wait} create the pod again from its manifest; see its state: ${kubectl("describe", "pod", pod, ...inNamespace)}`
            : sentence`${wait} delete the pod: ${kubectl("delete", "pod", pod, ...inNamespace)}`,
    };
  },
  ownerUnread: ({ kind, name, namespace }: WorkloadRef): Finding => ({
    code: "owner-unread",
    reason: `could not read the pod template of ${kind} ${name}`,
    nextStep: kubectl("get", kind.toLowerCase(), name, "-n", namespace),
  }),
  revisionUnnamed: (
    { kind, name, namespace }: WorkloadRef,
    pods: number,
    revision: string,
  ): Finding => ({
    code: "revision-unnamed",
    reason: `${count(pods, "pod")} with a sidecar ${pods === 1 ? "does" : "do"} not name a revision, which may be ${revision}: the annotation ${REVISION} is missing`,
    nextStep: istioUpgrade("explain", resourceName({ kind, name }), "--namespace", namespace),
  }),
  noPods: (workload: WorkloadRef, wanted: number): Finding => ({
    code: "no-pods",
    reason: `wants ${count(wanted, "pod")} and has none`,
    nextStep: sentence`see its events: ${kubectl("describe", resourceName(workload), "-n", workload.namespace)}`,
  }),
} as const;
