import { INJECTION, REVISION } from "../istio-labels.ts";
import type { NextStep } from "../next-step.ts";
import { compareText, type Labels, type Namespace } from "../snapshot.ts";
import { calledInjectors } from "./injector-match.ts";
import { PLAIN_POD } from "./mesh.ts";
import { namespacesOf } from "./references.ts";
import type { Upgrade } from "./upgrade.ts";
import { stepOfNamespace, type UpgradePlan } from "./upgrade-steps.ts";

/** The state of one namespace of the mesh in an upgrade. */
export interface NamespaceStatus {
  readonly name: string;
  /** Its labels about injection. */
  readonly labels: Labels;
  /** The revision that new pods get by these labels; `undefined` if they get none, or several. */
  readonly leadsTo: string | undefined;
  /** The tag in the label; `undefined` if it names none. */
  readonly tag: string | undefined;
  /** The number of live pods with a sidecar, by revision. */
  readonly pods: Readonly<Record<string, number>>;
  /** The numbers of workloads. */
  readonly outdated: number;
  readonly byHand: number;
  readonly wouldLose: number;
  readonly blocked: number;
  readonly nextStep: NextStep;
}

/** Describes every namespace that has something in the mesh, sorted by name. */
export function namespaceStatuses(
  upgrade: Upgrade,
  plan: Pick<UpgradePlan, "actions">,
): readonly NamespaceStatus[] {
  const { snapshot, pods, labels, assessments } = upgrade;
  const names = new Set([
    ...pods.flatMap(({ namespace, managed }) => (managed ? [] : [namespace])),
    ...namespacesOf(labels),
    ...assessments.flatMap(({ verdict, workload }) =>
      verdict === "managed" ? [] : [workload.namespace],
    ),
  ]);
  const counts = countsByNamespace(upgrade);
  return [...names].sort(compareText).map((name) => {
    const namespace = snapshot.namespaces.get(name);
    return {
      name,
      labels: injectionLabels(namespace),
      ...leadOf(namespace, upgrade),
      ...(counts.get(name) ?? NOTHING),
      nextStep: stepOfNamespace(name, plan),
    };
  });
}

function injectionLabels(namespace: Namespace | undefined): Labels {
  return Object.fromEntries(
    [REVISION, INJECTION].flatMap((key) => {
      const value = namespace?.labels[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** The webhooks decide to which revision the labels lead; without them, the labels alone. */
function leadOf(
  namespace: Namespace | undefined,
  { mesh, labels }: Upgrade,
): Pick<NamespaceStatus, "leadsTo" | "tag"> {
  if (namespace === undefined) return { leadsTo: undefined, tag: undefined };
  const named = labels.find(
    ({ kind, names }) => kind === "namespaces" && names[0] === namespace.name,
  );
  const { injectors } = mesh;
  if (injectors === undefined) return { leadsTo: named?.revision, tag: named?.tag };
  const called = calledInjectors(PLAIN_POD, namespace, injectors);
  const [revision, ...others] = new Set(called.flatMap((injector) => injector.revision ?? []));
  return { leadsTo: others.length === 0 ? revision : undefined, tag: named?.tag };
}

type Counts = Pick<NamespaceStatus, "pods" | "outdated" | "byHand" | "wouldLose" | "blocked">;

const NOTHING: Counts = { pods: {}, outdated: 0, byHand: 0, wouldLose: 0, blocked: 0 };

/** Counts in one pass over the pods and the workloads of the whole cluster. */
function countsByNamespace({ pods, assessments }: Upgrade): ReadonlyMap<string, Counts> {
  // A revision may have any name, also that of a property of every object.
  const podCounts = new Map<string, Map<string, number>>();
  for (const { kind, revision = "", namespace, count, managed } of pods) {
    if (kind !== "pods" || managed) continue;
    const own = podCounts.get(namespace) ?? new Map<string, number>();
    podCounts.set(namespace, own.set(revision, (own.get(revision) ?? 0) + count));
  }
  const counts = new Map<string, Counts>();
  for (const [namespace, own] of podCounts) {
    counts.set(namespace, { ...NOTHING, pods: Object.fromEntries(own) });
  }
  for (const { workload, verdict, restart } of assessments) {
    const before = counts.get(workload.namespace) ?? NOTHING;
    const isDue = verdict === "outdated" || verdict === "missing";
    counts.set(workload.namespace, {
      ...before,
      outdated: before.outdated + Number(verdict === "outdated"),
      byHand: before.byHand + Number(isDue && restart.answer !== "yes"),
      wouldLose: before.wouldLose + Number(verdict === "would-lose"),
      blocked: before.blocked + Number(verdict === "blocked"),
    });
  }
  return counts;
}
