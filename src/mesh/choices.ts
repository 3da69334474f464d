import {
  type Command,
  istioUpgrade,
  kubectl,
  type NextStep,
  type Sentence,
  sentence,
  sequence,
} from "../next-step.ts";
import type { Gap, Namespace } from "../snapshot.ts";
import { count, listing } from "../wording.ts";
import { calledInjectors } from "./injector-match.ts";
import { type Mesh, PLAIN_POD } from "./mesh.ts";
import { allowRevisions } from "./revision-move.ts";
import { compareRevisions } from "./revision-order.ts";

/** A revision that a user may have meant, and the step that leads to it. */
export interface Choice {
  readonly revision: string;
  /** The name, with the known uses of the revision: `asm-1-27 (9 namespaces, tag prod)`. */
  readonly title: string;
  readonly step: Command | string;
}

/**
 * Adds the number of namespaces that lead to each revision, unless namespaces could not be read.
 *
 * @param namespaces all namespaces of the cluster.
 */
export function withNamespaceUses(
  mesh: Mesh,
  namespaces: Iterable<Namespace>,
  gaps: readonly Gap[],
): Mesh {
  if (gaps.some(({ resource }) => resource === "namespaces")) return mesh;
  const uses = new Map<string, number>();
  for (const namespace of namespaces) {
    const called = calledInjectors(PLAIN_POD, namespace, mesh.injectors ?? []);
    for (const revision of new Set(called.flatMap((injector) => injector.revision ?? []))) {
      uses.set(revision, (uses.get(revision) ?? 0) + 1);
    }
  }
  return { ...mesh, namespaceUses: uses };
}

/**
 * Returns the installed revisions, the most used one first. If the uses do not tell, the oldest one is
 * first: a new revision is not proven yet.
 */
export function installedRevisions(mesh: Mesh): readonly string[] {
  const { revisions, injectors = [], namespaceUses } = mesh;
  const answering = injectors.flatMap(({ revision, available }) =>
    revision === undefined || available === false ? [] : [revision],
  );
  const rank = (name: string) => [
    namespaceUses?.get(name) ?? 0,
    revisions.get(name)?.tags.length ?? 0,
  ];
  return [...new Set([...revisions.keys(), ...answering])].sort((one, other) => {
    const [uses = 0, tags = 0] = rank(one);
    const [otherUses = 0, otherTags = 0] = rank(other);
    return otherUses - uses || otherTags - tags || compareRevisions(one, other);
  });
}

/** Returns the step to each installed revision. */
export function choicesOf(
  mesh: Mesh,
  stepTo: (revision: string) => Command | string,
): readonly Choice[] {
  return installedRevisions(mesh).map((revision) => ({
    revision,
    title: titleOf(revision, mesh),
    step: stepTo(revision),
  }));
}

function titleOf(name: string, { revisions, namespaceUses }: Mesh): string {
  const tags = revisions.get(name)?.tags ?? [];
  const uses = namespaceUses?.get(name) ?? 0;
  const facts = [
    // Without all namespaces, a number would be wrong.
    ...(namespaceUses === undefined
      ? []
      : [uses === 0 ? "no namespaces" : count(uses, "namespace")]),
    ...(tags.length === 0 ? [] : [`${tags.length === 1 ? "tag" : "tags"} ${tagText(tags)}`]),
  ];
  return facts.length === 0 ? name : `${name} (${facts.join(", ")})`;
}

const MOST_TAGS = 3;

function tagText(tags: readonly string[]): string {
  return listing(tags.slice(0, MOST_TAGS), tags.length);
}

/**
 * Returns one next step for all choices: the step itself if there is only one, and otherwise every step
 * with its revision. The user decides: a default could be a revision that nobody has tried yet.
 *
 * @param mesh says what to do if there is no choice.
 */
export function choiceStep(choices: readonly Choice[], mesh: Mesh): NextStep {
  const [first, ...others] = choices;
  if (first === undefined) {
    return mesh.revisionsUnread
      ? sentence`list the revisions: ${kubectl("get", "configmaps", "-n", mesh.istioNamespace)}`
      : "no revision is installed: install a revision first";
  }
  return others.length === 0 ? first.step : choiceSentence(choices);
}

function choiceSentence(choices: readonly Choice[]): Sentence {
  const parts = choices.map(({ title, step }) => sentence`for ${title}: ${step}`);
  return parts.reduce((all, part) => sentence`${all}; ${part}`);
}

/** Returns choices whose commands also restart the namespace after it is labelled. */
export function thenRestart(choices: readonly Choice[], namespace: string): readonly Choice[] {
  return choices.map((choice) => {
    const { revision, step } = choice;
    if (typeof step === "string" || step.kind !== "invocation") return choice;
    const scope = ["--namespace", namespace, ...allowRevisions([revision])];
    return { ...choice, step: sequence([step, istioUpgrade("restart", ...scope)]) };
  });
}
