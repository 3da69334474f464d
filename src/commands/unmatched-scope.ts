import { CannotRun } from "../errors.ts";
import { istioUpgrade, kubectl, type NextStep, type Sentence, sentence } from "../next-step.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { matchesSelector } from "../kubernetes/selector.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { predictNewPod } from "../mesh/prediction.ts";
import type { ScopeSettings, SelectorFlag } from "../scope.ts";
import { shellWord } from "../shell-word.ts";
import type { Namespace, Workload } from "../snapshot.ts";
import { count } from "../wording.ts";
import { isExcluded } from "./scope-filter.ts";

/** A workload in scope. */
export interface AssessedWorkload {
  readonly workload: Workload;
  /** `undefined` for a workload that is not reported. */
  readonly assessment: Assessment | undefined;
}

/**
 * The parts of the scope that no workload matches. They are probably misspelled: a workload that the
 * user wanted to exclude would be restarted, or a workload that the user asked about would seem to
 * be fine.
 */
export interface UnmatchedScope {
  /** Records a workload in scope, with the parts of the scope that it matches. */
  record(assessed: AssessedWorkload): void;
  /**
   * @param namespace the namespace of the named workloads.
   * @param namespaces the namespaces that could be read, by name.
   * @throws CannotRun if a named workload does not exist, or neither has nor would get a sidecar.
   */
  requireNamed(namespace: string, namespaces: ReadonlyMap<string, Namespace>, mesh: Mesh): void;
  /**
   * Returns a note for each part that matches nothing, once every workload is recorded.
   *
   * @param namespaces the namespaces in scope, by name.
   */
  notes(mesh: Mesh, namespaces: ReadonlyMap<string, Namespace>): readonly NextStep[];
}

export function createUnmatchedScope(scope: ScopeSettings): UnmatchedScope {
  const { excludes, revision, selector, namespaceSelector } = scope;
  const unmatchedExcludes = new Set(excludes);
  const named: AssessedWorkload[] = [];
  let isRevisionUnmatched = revision !== undefined;
  let isSelectorUnmatched = selector !== undefined;
  return {
    record: (assessed) => {
      const { workload, assessment } = assessed;
      if (scope.workloads.length > 0) named.push(assessed);
      isSelectorUnmatched = false;
      for (const exclude of unmatchedExcludes) {
        if (isExcluded(workload, exclude)) unmatchedExcludes.delete(exclude);
      }
      if (assessment !== undefined) isRevisionUnmatched = false;
    },
    requireNamed: (namespace, namespaces, mesh) => {
      for (const wanted of scope.workloads) {
        const found = named.find(
          ({ workload: { kind, name } }) => kind === wanted.kind && name === wanted.name,
        );
        if (found === undefined) throw notFound(wanted, namespace, selector);
        const { workload, assessment } = found;
        if (assessment === undefined) throw noSidecar(workload, namespaces.get(namespace), mesh);
      }
    },
    notes: (mesh, namespaces) => {
      // Without a namespace, nothing else can match.
      if (namespaceSelector !== undefined && namespaces.size === 0) {
        const { message, hint } = noNamespace(namespaceSelector);
        return [sentence`${message}; ${hint}`];
      }
      return [
        ...[...unmatchedExcludes].map(({ text }) => `${text} matches no workload in scope`),
        ...(isSelectorUnmatched && selector ? [unmatchedSelectorNote(selector, namespaces)] : []),
        ...(isRevisionUnmatched && revision !== undefined
          ? [unmatchedRevisionNote(revision, mesh)]
          : []),
      ];
    },
  };
}

/** Returns the finding that a selector matches no namespace, and the way out. */
export function noNamespace({ text }: SelectorFlag): {
  readonly message: string;
  readonly hint: Sentence;
} {
  return {
    message: `no namespace matches --namespace-selector ${shellWord(text)}`,
    hint: sentence`see their labels: ${kubectl("get", "namespaces", "--show-labels")}`,
  };
}

/** The labels of a team are often those of its namespaces. */
function unmatchedSelectorNote(
  selector: SelectorFlag,
  namespaces: ReadonlyMap<string, Namespace>,
): string {
  const note = `no workload in scope matches ${flagOf(selector)}`;
  const matching = [...namespaces.values()].filter(({ labels }) =>
    matchesSelector(labels, selector.parsed),
  );
  return matching.length === 0 || matching.length === namespaces.size
    ? note
    : `${note}, but ${count(matching.length, "namespace", ["does", "do"])}: use --namespace-selector ${shellWord(selector.text)}`;
}

function notFound(
  wanted: ScopeSettings["workloads"][number],
  namespace: string,
  selector: ScopeSettings["selector"],
): CannotRun {
  const list = (...options: readonly string[]) =>
    sentence`see what exists: ${kubectl("get", wanted.kind.toLowerCase(), "-n", namespace, ...options)}`;
  return selector === undefined
    ? new CannotRun(
        `${resourceName(wanted)} does not exist in the namespace "${namespace}"`,
        list(),
        { code: "not-found" },
      )
    : new CannotRun(
        `no ${resourceName(wanted)} in the namespace "${namespace}" matches ${flagOf(selector)}`,
        list("--show-labels"),
        { code: "not-found" },
      );
}

function noSidecar(workload: Workload, namespace: Namespace | undefined, mesh: Mesh): CannotRun {
  const prediction = predictNewPod(workload, namespace, mesh);
  const finding = prediction.kind === "none" ? prediction.finding : undefined;
  return new CannotRun(
    `${resourceName(workload)} in "${workload.namespace}" has no sidecar, and a restart would not add one: ${finding?.reason ?? "nothing injects it"}`,
    finding?.nextStep ?? sentence`see: ${istioUpgrade("check")}`,
    { code: "not-found" },
  );
}

/** Describes a selector by the flag that the user gave. */
function flagOf({ text }: SelectorFlag): string {
  return `--selector ${shellWord(text)}`;
}

function unmatchedRevisionNote(given: string, { revisions }: Mesh): string {
  const tagged = [...revisions.values()].find(({ tags }) => tags.includes(given));
  if (tagged) return `${given} is a tag: use --revision ${tagged.name}`;
  const is = revisions.has(given) ? "is installed" : "is not installed";
  return `no workload in scope runs the revision ${given} or would get it; the revision ${is}`;
}
