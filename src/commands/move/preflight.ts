import { readControlPlane } from "../../cluster/control-plane.ts";
import { Gaps } from "../../cluster/gaps.ts";
import { readNamespaces } from "../../cluster/namespaces.ts";
import { readOwnedNamespace } from "../../cluster/owned-namespace.ts";
import { formatDuration } from "../../duration-text.ts";
import { CannotRun, UsageError } from "../../errors.ts";
import { ApiError, failureCodeOf } from "../../http/api-error.ts";
import { connectionHint } from "../../http/connection-hint.ts";
import { REVISION } from "../../istio-labels.ts";
import { installedRevisions } from "../../mesh/choices.ts";
import type { Finding } from "../../mesh/findings.ts";
import { type Mesh, PLAIN_POD, resolveMesh } from "../../mesh/mesh.ts";
import {
  appliedLabelWarning,
  decideMove,
  type MoveOptions,
  type MoveTarget,
  moveTarget,
  type NamespaceChange,
  type NamespaceDecision,
  revisionsOf,
  withChange,
} from "../../mesh/namespace-move.ts";
import { predictInjection } from "../../mesh/prediction.ts";
import { compareRevisions } from "../../mesh/revision-order.ts";
import { lostSharedConfigMap } from "../../mesh/shared-config-map.ts";
import { istioUpgrade, kubectl, sentence } from "../../next-step.ts";
import { type MovedNamespace, refusedNamespace } from "../../rollout/moved-namespace.ts";
import type { OwnedNamespace } from "../../snapshot.ts";
import type { MoveSettings } from "../../settings.ts";
import type { Session } from "../session.ts";
import { createNamespaceMoves, type NamespaceMoves } from "./namespace-moves.ts";

/** The move of an approved plan. */
export interface PlannedMove {
  readonly to: string;
  readonly namespaces: readonly ({ readonly name: string } & NamespaceChange)[];
}

/** Milliseconds between two reads of the labels that others are going to change. */
const INTERVAL = 3000;

/**
 * Reads the control plane and the namespaces, and decides about each of them. Waits for labels that others
 * own, if the user wants that. Changes nothing.
 *
 * @throws UsageError if the revision or a namespace does not exist.
 * @throws CannotRun if they could not be read.
 */
export async function prepareMoves(
  session: Session<MoveSettings>,
  planned: PlannedMove | undefined,
  abort: AbortSignal,
): Promise<NamespaceMoves> {
  const { settings, io, progress } = session;
  const to = planned?.to ?? settings.to ?? "";
  const names = planned?.namespaces.map(({ name }) => name) ?? settings.scope.namespaces;
  progress.emit({ type: "reading", what: names.join(", ") });
  const deadline = io.now().getTime() + settings.waitForLabel;
  const mayWait = settings.waitForLabel > 0 && settings.dryRun === undefined;
  for (;;) {
    const read = await readAll(session, to, names);
    const awaited = read.decisions.filter(isAwaited);
    const isHopeless = read.decisions.some((one) => one.kind === "refused" && !one.isAwaited);
    const left = deadline - io.now().getTime();
    if (!mayWait || awaited.length === 0 || isHopeless || left <= 0 || abort.aborted) {
      const isLate = mayWait && left <= 0 && awaited.length > 0;
      return movesOf(session, read, planned, isLate);
    }
    const message = awaitedText(read, names);
    progress.emit({
      type: "verifying",
      ready: names.length - awaited.length,
      wanted: names.length,
      message,
      left: formatDuration(Math.ceil(left / 1000) * 1000),
    });
    await io.sleep(Math.min(INTERVAL, left), abort);
  }
}

function isAwaited(decision: NamespaceDecision): boolean {
  return decision.kind === "refused" && decision.isAwaited;
}

interface ReadMoves {
  readonly mesh: Mesh;
  readonly target: MoveTarget;
  readonly options: MoveOptions;
  readonly namespaces: readonly OwnedNamespace[];
  readonly decisions: readonly NamespaceDecision[];
}

async function readAll(
  session: Session<MoveSettings>,
  to: string,
  names: readonly string[],
): Promise<ReadMoves> {
  const { api, settings } = session;
  const gaps = new Gaps(api);
  const mesh = resolveMesh(await readControlPlane(api, settings.istioNamespace, gaps));
  const [gap] = gaps.all();
  if (gap !== undefined) {
    throw new CannotRun(`could not read the control plane: ${gap.message}`, gap.hint, {
      code: gap.reason === "forbidden" ? "forbidden" : "unreachable",
    });
  }
  const target = moveTarget(to, mesh);
  if (target === undefined) throw notInstalled(to, mesh);
  const namespaces = await Promise.all(names.map((name) => readOne(session, name)));
  const base = { dropInjectionLabel: settings.dropInjectionLabel, moved: names };
  const decide = (byLabel: MoveOptions["byLabel"]) =>
    namespaces.map((one) => decideMove(one, target, mesh, { ...base, byLabel }));
  const first = decide(undefined);
  const isTagged = first.some(
    (one) => one.kind === "refused" && one.finding.code === "follows-tag",
  );
  const byLabel = isTagged ? await namespacesByLabel(session) : undefined;
  const decisions = isTagged ? decide(byLabel) : first;
  return { mesh, target, namespaces, decisions, options: { ...base, byLabel } };
}

function notInstalled(to: string, mesh: Mesh): UsageError {
  const tags = (mesh.injectors ?? []).flatMap(({ tag }) => tag ?? []);
  const known = [...new Set([...installedRevisions(mesh), ...tags])].sort();
  return new UsageError(
    `--to "${to}" is neither an installed revision nor a tag`,
    known.length === 0
      ? sentence`see what is installed: ${istioUpgrade("revisions")}`
      : `use one of: ${known.join(", ")}`,
  );
}

async function readOne({ api }: Session, name: string): Promise<OwnedNamespace> {
  try {
    const found = await readOwnedNamespace(api, name);
    if (found !== undefined) return found;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new CannotRun(
      `could not read the namespace "${name}": ${error.message}`,
      connectionHint(
        error,
        sentence`compare with: ${kubectl("auth", "can-i", "get", "namespaces", "-n", name)}`,
      ),
      { cause: error, code: failureCodeOf(error) },
    );
  }
  throw new UsageError(
    `the namespace "${name}" does not exist in ${api.connection.server.host}`,
    sentence`see what exists: ${kubectl("get", "namespaces")}`,
  );
}

/** Returns the namespaces by their label; `undefined` if they could not be listed. */
async function namespacesByLabel({ api }: Session): Promise<MoveOptions["byLabel"]> {
  const gaps = new Gaps(api);
  const all = await readNamespaces(api, undefined, gaps);
  if (gaps.all().length > 0) return undefined;
  const byLabel = new Map<string, string[]>();
  for (const { name, labels } of all.values()) {
    const value = labels[REVISION];
    if (value !== undefined) byLabel.set(value, [...(byLabel.get(value) ?? []), name]);
  }
  return byLabel;
}

function awaitedText(
  { namespaces, decisions, target, mesh }: ReadMoves,
  names: readonly string[],
): string {
  const waiting = namespaces.filter((_one, index) => {
    const decision = decisions[index];
    return decision !== undefined && isAwaited(decision);
  });
  const [first] = waiting;
  const now = first === undefined ? [] : revisionsOf(first.labels, mesh);
  const label = first?.labels[REVISION];
  const others = waiting.length > 1 ? ` and ${waiting.length - 1} more of ${names.length}` : "";
  return `namespace ${first?.name}${others} does not lead to ${target.revision} yet: ${REVISION}=${label ?? ""} leads to ${now.join(", ") || "no revision"}`;
}

function movesOf(
  session: Session<MoveSettings>,
  read: ReadMoves,
  planned: PlannedMove | undefined,
  isLate: boolean,
): NamespaceMoves {
  const { target, mesh, namespaces, decisions, options } = read;
  const moved = namespaces.map((namespace, index): MovedNamespace => {
    const decision = decisions[index] as NamespaceDecision;
    const { name } = namespace;
    const base = {
      name,
      change: planned?.namespaces.find((one) => one.name === name) ?? decision.change,
      code: "",
      message: "",
      nextStep: "",
      labelledAt: undefined,
    } as const;
    if (decision.kind === "refused") {
      const { finding } = decision;
      const late = isLate && decision.isAwaited;
      const refused = refusedNamespace({ ...base, outcome: "refused" }, finding);
      if (!late) return refused;
      const waited = formatDuration(session.settings.waitForLabel);
      const message = `its label did not change within ${waited}: ${finding.reason}`;
      return { ...refused, outcome: "not-labelled", code: "not-labelled", message };
    }
    const outcome = decision.kind === "follows" ? "unchanged" : "planned";
    const finding =
      changedSince(base.change, decision) ??
      (outcome === "planned" ? findingOf(namespace, decision.change, target, mesh) : undefined);
    return finding ? refusedNamespace({ ...base, outcome }, finding) : { ...base, outcome };
  });
  for (const [index, namespace] of namespaces.entries()) {
    const warning = decisions[index]?.kind === "label" ? appliedLabelWarning(namespace) : undefined;
    if (warning !== undefined) session.notes.add(warning);
  }
  return createNamespaceMoves(session, target, moved, options);
}

/** The finding if the label is no longer the one in an approved plan. */
function changedSince(
  { from, injection }: NamespaceChange,
  decision: NamespaceDecision,
): Finding | undefined {
  const { change } = decision;
  if (decision.kind === "follows") return undefined;
  if (change.from === from && change.injection === injection) return undefined;
  return {
    code: "label-changed",
    reason: `its label ${REVISION} was ${from ?? "absent"} when the plan was made, and is now ${change.from ?? "absent"}`,
    nextStep: "make a new plan",
  };
}

/** Finds what is against the label of a namespace, apart from its workloads. */
function findingOf(
  namespace: OwnedNamespace,
  change: NamespaceChange,
  { revision }: MoveTarget,
  mesh: Mesh,
): Finding | undefined {
  const istiod = mesh.revisions.get(revision)?.istiod;
  if (istiod?.ready !== true) {
    const { istioNamespace } = mesh;
    const name = istiod?.name ?? `istiod-${revision}`;
    return {
      code: "control-plane-not-ready",
      reason: `the control plane ${revision} is not ready, and would have to inject every new pod`,
      nextStep: sentence`wait until it is: ${kubectl("rollout", "status", `deployment/${name}`, "-n", istioNamespace)}`,
    };
  }
  const prediction = predictInjection(PLAIN_POD, withChange(namespace, change), mesh);
  if (prediction.kind !== "injected") return prediction.finding;
  // Pods without a revision of their own come from the one that the labels lead to now.
  const left = revisionsOf(namespace.labels, mesh).filter(
    (name) => compareRevisions(name, revision) < 0,
  );
  return lostSharedConfigMap(
    left.map((name) => ({ revision: name })),
    revision,
    mesh,
  );
}
