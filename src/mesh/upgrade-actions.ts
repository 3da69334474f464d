import { INJECTION, REVISION } from "../istio-labels.ts";
import { resourceName, rolloutCommand, shortKind } from "../kubernetes/kinds.ts";
import { istioUpgrade, kubectl, type NextStep, sentence } from "../next-step.ts";
import { compareText, type Workload } from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";
import { thenRestart } from "./choices.ts";
import { gatewayName, isRenderedGateway } from "./managed.ts";
import { setTag } from "./remaining-references.ts";
import { type LabelReference, namespacesOf } from "./references.ts";
import { GATEWAYS, relabelStep } from "./rendered-gateway.ts";
import { allowRevisions, movedTo } from "./revision-move.ts";
import { hasSidecar } from "./running-pods.ts";
import { isLeft, livePods, type Upgrade } from "./upgrade.ts";

/** The kinds of actions, in the order in which the user takes them. */
const KINDS = [
  /** Correct a label, without which new pods would have no sidecar. */
  "correct",
  /** Restart pods whose labels lead to the revision. */
  "restart",
  "move",
  "flip",
  "template",
  "gateway",
  /** Only a person can do it, or has to agree to it. */
  "person",
  "wait",
] as const;

export type ActionKind = (typeof KINDS)[number];

/** One thing to do on the way to a revision. */
export interface Action {
  readonly kind: ActionKind;
  /** The namespaces that it is about. */
  readonly namespaces: readonly string[];
  /** The number of live pods in them. */
  readonly pods: number;
  readonly step: NextStep;
  /** True if it is about a revision that is gone, whose sidecars soon have no valid certificate. */
  readonly isUrgent: boolean;
}

/**
 * Lists what is left to do until nothing uses another revision than the one of the upgrade, and no
 * sidecar lags behind it. The order is the one to follow: what is urgent, what was begun, and then the
 * smallest part first.
 *
 * @returns an empty list if the revision of the upgrade is unknown, or not installed.
 */
export function actionsOf(upgrade: Upgrade): readonly Action[] {
  const { to, installed } = upgrade;
  if (to === undefined || !installed.includes(to)) return [];
  const context: Context = { ...upgrade, to, live: livePods(upgrade) };
  const found = [
    ...labelActions(context),
    ...gatewayActions(context),
    ...workloadActions(context),
    ...waits(context),
  ];
  const distinct = new Map(found.map((action) => [keyOf(action), action]));
  // `move` refuses a namespace with such a workload, so that the correction comes first.
  const refused = new Set([
    ...found.flatMap(({ kind, step, namespaces }) =>
      kind === "correct" && !isCommand(step) ? namespaces : [],
    ),
    ...context.assessments.flatMap(({ workload, verdict }) =>
      verdict === "unknown" ? [workload.namespace] : [],
    ),
  ]);
  const isRefused = ({ kind, namespaces }: Action) =>
    kind === "move" && namespaces.some((name) => refused.has(name));
  return [...distinct.values()].sort(
    (one, other) =>
      Number(isRefused(one)) - Number(isRefused(other)) ||
      Number(other.isUrgent) - Number(one.isUrgent) ||
      rankOf(one) - rankOf(other) ||
      one.pods - other.pods ||
      compareText(one.namespaces.join(), other.namespaces.join()),
  );
}

function keyOf({ kind, step, namespaces }: Action): string {
  return JSON.stringify([kind, step, namespaces]);
}

/** A command comes before a sentence, which only a person can follow. */
function rankOf({ kind, step }: Action): number {
  if (isCommand(step)) return KINDS.indexOf(kind);
  return (kind === "correct" ? KINDS.indexOf("person") : KINDS.indexOf(kind)) + 0.5;
}

/** True for a next step that a shell takes as it is. */
export function isCommand(step: NextStep): boolean {
  return typeof step !== "string" && step.kind !== "sentence";
}

interface Context extends Upgrade {
  readonly to: string;
  /** The number of live pods with a sidecar, by namespace. */
  readonly live: ReadonlyMap<string, number>;
}

type Draft = Pick<Action, "kind" | "namespaces" | "step"> & { readonly revision?: string };

function actionOf(context: Context, { revision, ...draft }: Draft): Action {
  const pods = draft.namespaces.reduce((sum, name) => sum + (context.live.get(name) ?? 0), 0);
  return { ...draft, pods, isUrgent: revision !== undefined && context.gone.has(revision) };
}

function labelActions(context: Context): readonly Action[] {
  const left = context.labels.filter(({ revision }) => isLeft(revision, context));
  const byTag = new Map<string, LabelReference[]>();
  const plain: LabelReference[] = [];
  const dead = new Set(context.deadTags.flatMap(({ tag }) => tag ?? []));
  for (const reference of left) {
    const tag =
      reference.kind === "tags"
        ? reference.names[0]
        : (reference.tag ?? (dead.has(reference.revision) ? reference.revision : undefined));
    if (tag === undefined) plain.push(reference);
    else byTag.set(tag, [...(byTag.get(tag) ?? []), reference]);
  }
  return [
    ...[...byTag].map(([tag, references]) => flip(tag, references, context)),
    ...plain.flatMap((reference) => plainAction(reference, context)),
  ];
}

/** A tag moves with everything that follows it. */
function flip(tag: string, references: readonly LabelReference[], context: Context): Action {
  const { to, mesh } = context;
  const revision = references[0]?.revision;
  return actionOf(context, {
    kind: "flip",
    namespaces: [...new Set(namespacesOf(references))].sort(),
    step: setTag(tag, to, mesh.istioNamespace),
    ...(revision === undefined ? {} : { revision }),
  });
}

function plainAction(reference: LabelReference, context: Context): readonly Action[] {
  const { revision, names, label } = reference;
  const { to } = context;
  const namespaces = namespacesOf([reference]);
  const [name = ""] = names;
  const draft = (kind: ActionKind, step: NextStep) => [
    actionOf(context, { kind, step, namespaces, revision }),
  ];
  switch (reference.kind) {
    case "namespaces":
      return namespaceAction(reference, context, draft);
    case "templates":
      return draft(...templateStep(reference, to));
    case "gateways": {
      const gateway = name.slice(name.indexOf("/") + 1);
      const place = ["-n", reference.namespace];
      return draft(
        "gateway",
        kubectl("label", GATEWAYS, gateway, ...place, `${REVISION}=${to}`, "--overwrite"),
      );
    }
    default:
      return draft("person", `change what leads to ${revision}: ${label}`);
  }
}

function namespaceAction(
  { revision, names: [name = ""], label }: LabelReference,
  { to, live, gone }: Context,
  draft: (kind: ActionKind, step: NextStep) => readonly Action[],
): readonly Action[] {
  if (label.startsWith(`${INJECTION}=`)) {
    return draft("move", istioUpgrade("move", name, "--to", to, "--drop-injection-label"));
  }
  if (!label.startsWith(`${REVISION}=`)) {
    return draft("person", `change the labels by which a webhook of ${revision} selects ${name}`);
  }
  // Without pods there is nothing to restart, and nothing to verify.
  if (gone.has(revision) && !live.has(name)) {
    const labels = [`${REVISION}=${to}`, "--overwrite"];
    return draft("move", kubectl("label", "namespace", name, ...labels));
  }
  return draft("move", istioUpgrade("move", name, "--to", to));
}

/** The kinds whose pod templates kubectl can change, by the path of the template. */
const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Rollout: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** A change of the template makes the controller replace the pods, with its usual rolling update. */
function templateStep(
  { names: [path = ""], namespace, ownerKind = "", label }: LabelReference,
  to: string,
): readonly [ActionKind, NextStep] {
  const name = path.split("/").slice(2).join("/");
  if (ownerKind === "Job") {
    const remove = kubectl("delete", "job", name, "-n", namespace);
    return ["wait", sentence`wait until the Job has finished, or delete it: ${remove}`];
  }
  const place = TEMPLATE_PATHS[ownerKind];
  if (place === undefined || !label.startsWith(`${REVISION}=`)) {
    return ["person", `set the label ${REVISION}=${to} in the pod template of ${path}`];
  }
  const labels: object = { metadata: { labels: { [REVISION]: to } } };
  const patch = place.reduceRight((inner: object, field) => ({ [field]: inner }), labels);
  const resource = resourceName({ kind: ownerKind, name });
  const change = ["--type", "merge", "-p", JSON.stringify(patch)];
  return ["template", kubectl("patch", resource, "-n", namespace, ...change)];
}

/** Gateways whose pods run another revision although no label of their Gateway leads to it. */
function gatewayActions(context: Context): readonly Action[] {
  const { snapshot, mesh, to, labels } = context;
  return snapshot.workloads.filter(isRenderedGateway).flatMap((workload) => {
    const { namespace } = workload;
    const left = workload.pods.flatMap(({ revision }) =>
      revision !== undefined && isOfMesh(revision, context) && isLeft(revision, context)
        ? [revision]
        : [],
    );
    const [revision] = left;
    if (revision === undefined) return [];
    const leading = labels.find(
      ({ kind, names }) =>
        kind === "gateways" && names.includes(`${namespace}/${gatewayName(workload)}`),
    );
    // The action of the label or the tag comes first.
    if (leading !== undefined && leading.revision !== to) return [];
    const [kind, step] =
      leading === undefined
        ? (["gateway", relabelStep(workload, mesh, to)] as const)
        : (["wait", rolloutCommand("status", workload)] as const);
    return [actionOf(context, { kind, namespaces: [namespace], step, revision })];
  });
}

function isOfMesh(revision: string, { installed, gone }: Upgrade): boolean {
  return installed.includes(revision) || gone.has(revision);
}

/** The findings about labels that lead to a revision which does not answer, or is gone. */
const ENDED_BY_MOVE: ReadonlySet<string> = new Set([
  "revision-gone",
  "webhook-dead",
  "webhook-dead-ignored",
  "webhook-missing",
]);

function workloadActions(context: Context): readonly Action[] {
  const restarts = new Map<string, Assessment[]>();
  const others = context.assessments.flatMap((assessment) => {
    const { workload, verdict, target, restart } = assessment;
    const { namespace } = workload;
    if (verdict === "managed" || isRenderedGateway(workload)) return [];
    if (verdict === "unknown") {
      const step = assessment.finding.nextStep || assessment.finding.reason;
      return [actionOf(context, { kind: "person", namespaces: [namespace], step })];
    }
    if (verdict === "would-lose" || verdict === "blocked") {
      return correct(assessment, context);
    }
    if (verdict === "excluded") return excluded(workload, context);
    if (verdict !== "outdated" || target?.revision !== context.to) return [];
    if (restart.answer !== "yes") return [byHand(assessment, context)];
    restarts.set(namespace, [...(restarts.get(namespace) ?? []), assessment]);
    return [];
  });
  return [
    ...[...restarts].map(([namespace, assessments]) => restartOf(namespace, assessments, context)),
    ...others,
  ];
}

function correct(assessment: Assessment, context: Context): readonly Action[] {
  const { workload, finding } = assessment;
  const { namespace } = workload;
  const { labels, to } = context;
  const path = `${namespace}/${shortKind(workload.kind)}/${workload.name}`;
  const isMoved = labels.some(
    ({ kind, names, revision }) =>
      isLeft(revision, context) &&
      ((kind === "namespaces" && names.includes(namespace)) ||
        (kind === "templates" && names.includes(path))),
  );
  if (isMoved && ENDED_BY_MOVE.has(finding.code)) return [];
  const choice = finding.choices?.find(({ revision }) => revision === to);
  const [chosen] = choice === undefined ? [] : thenRestart([choice], namespace);
  const step = chosen?.step ?? finding.nextStep;
  const gone = workload.pods.find(
    ({ revision }) => revision !== undefined && context.gone.has(revision),
  );
  const revision = gone?.revision;
  return [
    actionOf(context, {
      kind: "correct",
      namespaces: [namespace],
      step,
      ...(revision === undefined ? {} : { revision }),
    }),
  ];
}

function leftPods(workload: Workload, context: Context): string | undefined {
  return workload.pods
    .filter(hasSidecar)
    .flatMap(({ revision }) => revision ?? [])
    .find((revision) => isOfMesh(revision, context) && isLeft(revision, context));
}

/** An excluded workload keeps its revision from being removed. */
function excluded(workload: Workload, context: Context): readonly Action[] {
  const revision = leftPods(workload, context);
  if (revision === undefined) return [];
  const { kind, namespace } = workload;
  const own =
    workload.rollout === undefined || kind === "Rollout"
      ? istioUpgrade("explain", resourceName(workload), "--namespace", namespace)
      : kubectl("rollout", "restart", resourceName(workload), "-n", namespace);
  const step = sentence`it is excluded: remove what excludes it, or restart it yourself: ${own}`;
  return [actionOf(context, { kind: "person", namespaces: [namespace], step, revision })];
}

function byHand({ workload, restart, finding }: Assessment, context: Context): Action {
  const own = restart.answer === "yes" ? finding : restart.finding;
  const revision = leftPods(workload, context);
  return actionOf(context, {
    kind: "person",
    namespaces: [workload.namespace],
    step: own.nextStep || own.reason,
    ...(revision === undefined ? {} : { revision }),
  });
}

/**
 * Between two revisions, `move` also restarts what lags in a namespace with a label. Otherwise, a restart
 * is all that is left.
 */
function restartOf(
  namespace: string,
  assessments: readonly Assessment[],
  context: Context,
): Action {
  const { snapshot, installed, to } = context;
  const isLabelled = snapshot.namespaces.get(namespace)?.labels[REVISION] !== undefined;
  const allowed = assessments.flatMap(({ running, target }) => movedTo(running, target));
  // `move` refuses a namespace in which something has to be corrected first.
  const isRefused = context.assessments.some(
    ({ workload, verdict }) =>
      workload.namespace === namespace && ["would-lose", "blocked", "unknown"].includes(verdict),
  );
  const step =
    installed.length > 1 && isLabelled && !isRefused
      ? istioUpgrade("move", namespace, "--to", to)
      : istioUpgrade("restart", "--namespace", namespace, ...allowRevisions(allowed));
  const gone = assessments
    .map(({ workload }) => leftPods(workload, context))
    .find((revision) => revision !== undefined && context.gone.has(revision));
  return actionOf(context, {
    kind: "restart",
    namespaces: [namespace],
    step,
    ...(gone === undefined ? {} : { revision: gone }),
  });
}

/** Terminating pods need their revision until they are gone. */
function waits(context: Context): readonly Action[] {
  const byNamespace = new Map<string, string[]>();
  for (const { kind, revision = "", namespace, names, managed } of context.pods) {
    if (kind !== "terminating-pods" || managed || !isLeft(revision, context)) continue;
    const pods = names.map((name) => `pod/${name.slice(namespace.length + 1)}`);
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), ...pods]);
  }
  return [...byNamespace].map(([namespace, pods]) =>
    actionOf(context, {
      kind: "wait",
      namespaces: [namespace],
      step: kubectl("wait", "--for=delete", ...pods.sort(), "-n", namespace, "--timeout=10m"),
    }),
  );
}
