import { istioUpgrade, kubectl, type NextStep, sentence } from "../next-step.ts";
import { count } from "../wording.ts";
import { type AzureCluster, endStep, isWayBack, startStep } from "./azure-steps.ts";
import { AKS_REVISION } from "../istio-labels.ts";
import { compareRevisions } from "./revision-order.ts";
import { allowRevisions, movedTo } from "./revision-move.ts";
import { lostSharedConfigMap } from "./shared-config-map.ts";
import { isRenderedGateway } from "./managed.ts";
import { type Action, type ActionKind, actionsOf, isCommand } from "./upgrade-actions.ts";
import { type Phase, phaseOf, staleConfigMaps } from "./upgrade-phase.ts";
import { preflightSteps, sharedConfigMapStep, type Surroundings } from "./upgrade-preflight.ts";
import type { UpgradeStep } from "./upgrade-step.ts";
import { isAnswering, isReady, isUsed, type Upgrade } from "./upgrade.ts";

/** The state of an upgrade, and the rest of it. */
export interface UpgradePlan {
  /** `undefined` if it could not be read. */
  readonly phase: Phase | undefined;
  readonly steps: readonly UpgradeStep[];
  /** The step that `nextStep` belongs to; `undefined` if there is none. */
  readonly current: string | undefined;
  readonly actions: readonly Action[];
  /** The one thing to do next; empty if there is nothing to do, or no single next step. */
  readonly nextStep: NextStep;
  /** True if `nextStep` restarts workloads whose labels lead to the revision already. */
  readonly isRestartNext: boolean;
}

/** Facts besides the upgrade that the steps depend on. */
export interface PlanFacts {
  /** `undefined` if the names in Azure are unknown. */
  readonly azure: AzureCluster | undefined;
  /** `undefined` if they were not read. */
  readonly surroundings?: Surroundings | undefined;
}

/** Plans the rest of an upgrade from its state. */
export function planUpgrade(upgrade: Upgrade, facts: PlanFacts): UpgradePlan {
  const phase = phaseOf(upgrade);
  const actions = actionsOf(upgrade);
  const rest: Rest = { upgrade, facts, phase, actions };
  const steps = stepsOf(rest);
  const { step, nextStep, isRestartNext = false } = nextOf(rest, steps);
  return { phase, steps, actions, current: step, nextStep, isRestartNext };
}

interface Rest {
  readonly upgrade: Upgrade;
  readonly facts: PlanFacts;
  readonly phase: Phase | undefined;
  readonly actions: readonly Action[];
}

interface Next {
  readonly step: string | undefined;
  readonly nextStep: NextStep;
  readonly isRestartNext?: boolean;
}

/** Returns the checklist, in the order in which the user goes through it. */
function stepsOf(rest: Rest): readonly UpgradeStep[] {
  const { upgrade, phase } = rest;
  const { to, from, installed, asked } = upgrade;
  const stranded = phase === "stranded" ? [strandedStep(rest)] : [];
  if (installed.length > 1 && to === undefined) return [...stranded, ...bothWays(upgrade)];
  if (to !== undefined && asked !== undefined && !installed.includes(to)) {
    return [...stranded, ...planningSteps(rest, to)];
  }
  if (from !== undefined && to !== undefined) return [...stranded, ...movingSteps(rest, from, to)];
  return [...stranded, sidecarsStep(rest), leftoversStep(rest)];
}

function bothWays({ installed }: Upgrade): readonly UpgradeStep[] {
  const newest = installed.at(-1);
  return installed.toReversed().map((name) => ({
    id: name === newest ? "forward" : "back",
    isDone: false,
    message: name === newest ? `forward, to ${name}` : `back, to ${name}`,
    nextStep: istioUpgrade("status", "--to", name),
  }));
}

function planningSteps(rest: Rest, to: string): readonly UpgradeStep[] {
  const { upgrade, facts } = rest;
  const { installed } = upgrade;
  const from = installed.at(-1);
  const refusal = startRefusal(upgrade, to);
  const preflight = from === undefined ? [] : preflightSteps(upgrade, from, to, facts.surroundings);
  return [
    ...preflight,
    {
      id: "start",
      isDone: false,
      message: refusal?.message ?? `${to} is not installed`,
      nextStep: refusal?.nextStep ?? startStep(to, facts.azure, installed),
    },
    ...(refusal === undefined
      ? [later("control-plane", `${to} is ready`), later("namespaces", `namespaces lead to ${to}`)]
      : []),
  ];
}

function later(id: string, message: string): UpgradeStep {
  return { id, isDone: false, isAdvice: true, message, nextStep: "" };
}

/** Explains why Azure would not start an upgrade to a revision. */
function startRefusal(
  { installed }: Upgrade,
  to: string,
): Pick<UpgradeStep, "message" | "nextStep"> | undefined {
  const aks = installed.filter((name) => AKS_REVISION.test(name));
  const newest = installed.at(-1);
  if (aks.length > 1) {
    const names = aks.join(" and ");
    return {
      message: `${names} are installed, and AKS allows two revisions`,
      nextStep: sentence`complete the upgrade to ${newest ?? ""} first, or roll it back: ${istioUpgrade("status")}`,
    };
  }
  if (aks.length === 1 && newest !== undefined && compareRevisions(to, newest) < 0) {
    return {
      message: `${to} is older than ${newest}, and AKS installs no older revision`,
      nextStep: sentence`name a newer revision, or see what is left to do on this one: ${istioUpgrade("status")}`,
    };
  }
  return undefined;
}

function movingSteps(rest: Rest, from: string, to: string): readonly UpgradeStep[] {
  const { upgrade, facts } = rest;
  return [
    sharedConfigMapStep(upgrade, from, to),
    controlPlaneStep(upgrade, to),
    ...moveSteps(rest, to),
    {
      id: "soak",
      isDone: false,
      isAdvice: true,
      message: `watch errors and latency before you remove ${from}: no pod can go back to it afterwards`,
      nextStep: istioUpgrade("verify", "--all-namespaces"),
    },
    {
      id: isWayBack(from, to) ? "rollback" : "complete",
      isDone: false,
      message: `${isWayBack(from, to) ? "roll the upgrade back" : "complete the upgrade"}: ${isUsed(from, upgrade) ? `${from} is still in use` : `nothing uses ${from}`}`,
      nextStep: endStep(from, to, facts.azure, upgrade.mesh),
    },
    {
      id: "way-back",
      isDone: false,
      isAdvice: true,
      message: `until then, everything can go back to ${from}`,
      nextStep: istioUpgrade("status", "--to", from),
    },
  ];
}

function controlPlaneStep(upgrade: Upgrade, to: string): UpgradeStep {
  const id = "control-plane";
  const { mesh, usage } = upgrade;
  if (isReady(to, upgrade)) return { id, isDone: true, message: `${to} is ready`, nextStep: "" };
  const name = mesh.revisions.get(to)?.istiod?.name ?? `istiod-${to}`;
  const isRolledOut = usage.revisions.find((revision) => revision.name === to)?.ready === true;
  if (!isRolledOut) {
    const place = ["-n", mesh.istioNamespace];
    return {
      id,
      isDone: false,
      message: `the control plane of ${to} is not ready`,
      nextStep: kubectl("rollout", "status", `deployment/${name}`, ...place),
    };
  }
  const missing = isAnswering(to, mesh)
    ? `the injector's ConfigMap of ${to} does not exist yet`
    : `the webhook of ${to} cannot be called yet: it has no authority, or no endpoint`;
  return {
    id,
    isDone: false,
    message: missing,
    nextStep: sentence`wait for istiod, and look again: ${istioUpgrade("status", "--to", to)}`,
  };
}

/** The steps of the kinds of actions. */
const STEP_OF: Readonly<Record<ActionKind, string>> = {
  correct: "sidecars",
  restart: "sidecars",
  move: "namespaces",
  flip: "tags",
  template: "templates",
  gateway: "gateways",
  person: "sidecars",
  wait: "sidecars",
};

function moveSteps({ upgrade, actions }: Rest, to: string): readonly UpgradeStep[] {
  const { labels, snapshot, pods } = upgrade;
  const step = (
    id: string,
    total: number,
    moved: number,
    message: string,
  ): readonly UpgradeStep[] => {
    const own = actions.filter(({ kind }) => STEP_OF[kind] === id);
    if (total === 0 && own.length === 0) return [];
    const isDone = own.length === 0 && moved === total;
    return [{ id, isDone, message, nextStep: own[0]?.step ?? "" }];
  };
  const labelled = (kind: "namespaces" | "tags" | "templates" | "gateways", noun: string) => {
    const own = labels.filter((reference) => reference.kind === kind);
    const moved = own.filter(({ revision }) => revision === to).length;
    const [lead, leads] = [`${moved} of ${count(own.length, noun)}`, `to ${to}`];
    return {
      total: own.length,
      moved,
      message: `${lead} ${moved === 1 ? "leads" : "lead"} ${leads}`,
    };
  };
  const live = pods.filter(({ kind, managed }) => kind === "pods" && !managed);
  const sum = (of: typeof live) => of.reduce((all, reference) => all + reference.count, 0);
  const total = sum(live);
  const moved = sum(live.filter(({ revision }) => revision === to));
  const namespaces = labelled("namespaces", "namespace");
  const tags = labelled("tags", "tag");
  const templates = labelled("templates", "pod template");
  const gateways = labelled("gateways", "Gateway");
  const rendered = snapshot.workloads.some(isRenderedGateway);
  return [
    ...step("namespaces", namespaces.total, namespaces.moved, namespaces.message),
    ...step("tags", tags.total, tags.moved, tags.message),
    ...step("templates", templates.total, templates.moved, templates.message),
    ...(gateways.total > 0 || rendered
      ? step("gateways", gateways.total, gateways.moved, gateways.message)
      : []),
    ...step("sidecars", Math.max(total, 1), moved, podsText(moved, total, to, actions)),
  ];
}

function podsText(moved: number, total: number, to: string, actions: readonly Action[]): string {
  const text = `${moved} of ${count(total, "pod")} ${moved === 1 ? "runs" : "run"} ${to}`;
  const lagging = actions.filter(({ kind }) => kind === "restart").length;
  const hand = actions.filter(
    ({ kind, step }) => kind === "person" || (kind === "correct" && !isCommand(step)),
  ).length;
  return [
    text,
    ...(lagging > 0 ? [`restarts are left in ${count(lagging, "namespace")}`] : []),
    ...(hand > 0 ? [`${count(hand, "step")} for a person`] : []),
  ].join("; ");
}

function strandedStep({ upgrade, actions }: Rest): UpgradeStep {
  const { gone, pods, installed, to, mesh } = upgrade;
  const stranded = pods.filter(
    ({ kind, revision = "", managed }) => kind === "pods" && !managed && gone.has(revision),
  );
  const number = stranded.reduce((sum, reference) => sum + reference.count, 0);
  const names = [...gone].sort().join(", ");
  const step = actions.find(({ isUrgent }) => isUrgent)?.step ?? "";
  // A restart would lose the mesh configuration of the revision that is gone.
  const lost =
    to === undefined
      ? undefined
      : lostSharedConfigMap(
          [...gone].map((revision) => ({ revision })),
          to,
          mesh,
        );
  return {
    id: "stranded",
    isDone: false,
    message: `${count(number, "pod")} and the labels of ${names} have no control plane: certificates of sidecars end within a day`,
    nextStep:
      installed.length === 0
        ? "no revision is installed: install a revision first"
        : (lost?.nextStep ?? step),
  };
}

function sidecarsStep({ upgrade, actions }: Rest): UpgradeStep {
  const { to, assessments } = upgrade;
  const number = (verdict: string) =>
    assessments.filter((assessment) => assessment.verdict === verdict).length;
  const parts = ["outdated", "would-lose", "blocked", "missing", "unknown"].flatMap((verdict) =>
    number(verdict) > 0 ? [`${number(verdict)} ${verdict}`] : [],
  );
  const isLagging = ["outdated", "would-lose", "blocked"].some((verdict) => number(verdict) > 0);
  const workloads = count(assessments.length, "workload");
  return {
    id: "sidecars",
    isDone: !isLagging,
    message:
      parts.length === 0
        ? `${workloads} on ${to ?? "target"}`
        : `${workloads}: ${parts.join(", ")}`,
    nextStep: restartOfAll(upgrade, actions) ?? actions[0]?.step ?? "",
  };
}

const MOST_NAMESPACES = 3;

/** One command for all namespaces in which only a restart is left. */
function restartOfAll({ assessments, to }: Upgrade, actions: readonly Action[]) {
  const first = actions[0];
  if (first?.kind !== "restart") return undefined;
  const restarts = actions.filter(({ kind }) => kind === "restart");
  const names = [...new Set(restarts.flatMap(({ namespaces }) => namespaces))].sort();
  const due = assessments.filter(
    ({ verdict, restart, target }) =>
      verdict === "outdated" && restart.answer === "yes" && target?.revision === to,
  );
  return istioUpgrade(
    "restart",
    ...(names.length > MOST_NAMESPACES ? ["--all-namespaces"] : ["--namespace", names.join(",")]),
    ...allowRevisions(due.flatMap(({ running, target }) => movedTo(running, target))),
  );
}

function leftoversStep({ upgrade, actions }: Rest): UpgradeStep {
  const { deadTags, gone, labels } = upgrade;
  const maps = staleConfigMaps(upgrade);
  const lost = labels.filter(({ revision }) => gone.has(revision));
  const parts = [
    ...(maps.length > 0 ? [maps.join(", ")] : []),
    ...(deadTags.length > 0 ? [`tag ${deadTags.flatMap(({ tag }) => tag ?? []).join(", ")}`] : []),
    ...(lost.length > 0 ? [count(lost.length, "label")] : []),
  ];
  return {
    id: "leftovers",
    isDone: parts.length === 0,
    message:
      parts.length === 0
        ? "no part of another revision is left"
        : `of another revision: ${parts.join("; ")}`,
    nextStep: parts.length === 0 ? "" : removalOf(upgrade, actions),
  };
}

/** Removes what is left, or gives it a revision that exists. */
function removalOf(upgrade: Upgrade, actions: readonly Action[]): NextStep {
  const { mesh, deadTags, labels } = upgrade;
  const [map] = staleConfigMaps(upgrade);
  if (map !== undefined) return kubectl("delete", "configmap", map, "-n", mesh.istioNamespace);
  const used = new Set(labels.map(({ revision }) => revision));
  const unused = deadTags.find(({ tag = "" }) => !used.has(tag));
  if (unused !== undefined) {
    return kubectl("delete", "mutatingwebhookconfigurations", unused.configuration);
  }
  const own = actions.find(({ kind }) => ["flip", "move", "template", "gateway"].includes(kind));
  return own?.step ?? actions[0]?.step ?? "";
}

/** Chooses the one next step of a phase. */
function nextOf(rest: Rest, steps: readonly UpgradeStep[]): Next {
  const { upgrade, phase, actions } = rest;
  const { installed, to } = upgrade;
  const stepNamed = (id: string): Next => ({
    step: id,
    nextStep: steps.find((step) => step.id === id)?.nextStep ?? "",
  });
  const [first] = actions;
  switch (phase) {
    case undefined:
    case "current":
      return { step: undefined, nextStep: "" };
    case "stranded":
      if (installed.length > 1 && to === undefined) return NONE;
      return stepNamed(blocking(steps, "control-plane") ?? "stranded");
    case "planning":
      // A step that Azure would refuse needs no preparation.
      return stepNamed(
        (to !== undefined && startRefusal(upgrade, to) === undefined
          ? blocking(steps, "shared-configmap")
          : undefined) ?? "start",
      );
    case "patch":
      return { ...stepNamed("sidecars"), isRestartNext: first?.kind === "restart" };
    case "leftovers":
      return stepNamed("leftovers");
    default: {
      if (to === undefined || upgrade.from === undefined) return NONE;
      const early = blocking(steps, "control-plane") ?? blocking(steps, "shared-configmap");
      if (early !== undefined) return stepNamed(early);
      const end = isWayBack(upgrade.from, to) ? "rollback" : "complete";
      if (phase === "moved") {
        // The other actions are about the revision that stays.
        const open = actions.find(
          ({ kind, step }) => (kind === "correct" || kind === "restart") && isCommand(step),
        );
        return open === undefined ? stepNamed(end) : ofAction(open);
      }
      return first === undefined ? fallback(upgrade) : ofAction(first);
    }
  }
}

const NONE: Next = { step: undefined, nextStep: "" };

/** Returns the name of a step that must be done first, unless it is done. */
function blocking(steps: readonly UpgradeStep[], id: string): string | undefined {
  return steps.find((step) => step.id === id && !step.isDone && step.isAdvice !== true)?.id;
}

function ofAction({ kind, step }: Action): Next {
  return { step: STEP_OF[kind], nextStep: step, isRestartNext: kind === "restart" };
}

/** Something uses the revision that no action releases, such as pods that do not name their revision. */
function fallback({ usage, from = "" }: Upgrade): Next {
  const [held] = usage.revisions.find(({ name }) => name === from)?.references ?? [];
  const look = sentence`see what still uses ${from}: ${istioUpgrade("revisions", from)}`;
  return { step: "sidecars", nextStep: held?.release ?? look };
}

/** The next step of one namespace; empty if it has none. */
export function stepOfNamespace(name: string, { actions }: Pick<UpgradePlan, "actions">): NextStep {
  return actions.find(({ namespaces }) => namespaces.includes(name))?.step ?? "";
}
