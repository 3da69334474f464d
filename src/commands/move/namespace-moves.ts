import { readControlPlane } from "../../cluster/control-plane.ts";
import { Gaps } from "../../cluster/gaps.ts";
import { readOwnedNamespace } from "../../cluster/owned-namespace.ts";
import { sendLabels } from "../../cluster/write.ts";
import { formatDuration } from "../../duration-text.ts";
import { ApiError, isConflict, isForbidden, isUnanswered } from "../../http/api-error.ts";
import { REVISION } from "../../istio-labels.ts";
import { type Mesh, resolveMesh } from "../../mesh/mesh.ts";
import {
  decideMove,
  followsTarget,
  labelsToSend,
  type MoveOptions,
  type MoveTarget,
  type NamespaceChange,
  withChange,
} from "../../mesh/namespace-move.ts";
import { istioUpgrade, kubectl, type NextStep, sentence } from "../../next-step.ts";
import { isToBeLabelled, type MovedNamespace } from "../../rollout/moved-namespace.ts";
import { type Ending, ended } from "../../rollout/result.ts";
import type { StopReason } from "../../rollout/schedule.ts";
import { WHY_STOPPED } from "../../rollout/stop.ts";
import type { Namespace, OwnedNamespace } from "../../snapshot.ts";
import type { MoveSettings } from "../../settings.ts";
import type { Session } from "../session.ts";

/** The end of a run, before which a namespace may get its label. */
export interface StopControl {
  /** The reason why nothing new starts; `undefined` if the run is not stopped. */
  stopReason(): StopReason | undefined;
  /** Aborts when the user wants the report at once. */
  readonly abort: AbortSignal;
}

/** The namespaces of a `move`, and the labels that it sets. */
export interface NamespaceMoves {
  readonly target: MoveTarget;
  /** The flags that the command needs besides those of `restart`. */
  readonly flags: readonly string[];
  /** The names of the namespaces, in the order of the command line. */
  readonly names: readonly string[];
  all(): readonly MovedNamespace[];
  /** Replaces what is known about a namespace. */
  set(namespace: MovedNamespace): void;
  /** True if the label of a namespace is still to be set. */
  isPending(name: string): boolean;
  /** Returns a namespace as the move leaves it. */
  asMoved(namespace: Namespace): Namespace;
  /**
   * Sets the label of a namespace, unless it has been set or the run is stopped. Never rejects with an
   * `ApiError`.
   *
   * @returns the ending of the workloads in a namespace that was not labelled.
   */
  label(name: string, control: StopControl): Promise<Ending | undefined>;
  /** Returns the ending of a workload in a namespace that no longer leads to the revision. */
  lost(namespace: Namespace | undefined, mesh: Mesh): Ending | undefined;
  /** True for a moment after a label was set, in which the API server may not yet know it. */
  isFresh(name: string): boolean;
}

/** The versions of a namespace that are judged before a run gives up: others keep changing it. */
const ATTEMPTS = 5;
/** Milliseconds between two reads of a control plane that is not ready. */
const INTERVAL = 3000;
/** Milliseconds until the admission of the API server usually knows a new label. */
const SETTLE = 1000;
/** Milliseconds until the admission of every API server certainly knows a new label. */
const SETTLED = 10_000;

/** @param namespaces the decisions that were made before the run. */
export function createNamespaceMoves(
  session: Session<MoveSettings>,
  target: MoveTarget,
  namespaces: readonly MovedNamespace[],
  options: MoveOptions,
): NamespaceMoves {
  const { api, io, settings, progress } = session;
  const known = new Map(namespaces.map((namespace) => [namespace.name, namespace]));
  const labelled = new Map<string, Promise<Ending | undefined>>();

  function update(name: string, changes: Partial<MovedNamespace>): void {
    const before = known.get(name);
    if (before !== undefined) known.set(name, { ...before, ...changes });
  }

  /** Records why a namespace has no label, and returns the ending of its workloads. */
  function stop(
    name: string,
    outcome: "not-labelled" | "label-changed",
    message: string,
    nextStep: NextStep = "",
  ): Ending {
    update(name, { outcome, code: outcome, message, nextStep });
    return ended("not-started", outcome, message, nextStep);
  }

  async function setLabel(
    { name, change }: MovedNamespace,
    control: StopControl,
  ): Promise<Ending | undefined> {
    const isDry = settings.dryRun !== undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const mesh = await readyMesh(name, control);
      if ("outcome" in mesh) return mesh;
      const namespace = await readOwnedNamespace(api, name);
      if (namespace === undefined) return stop(name, "not-labelled", "the namespace is gone");
      const decision = decideMove(namespace, target, mesh, options);
      if (decision.kind === "follows") {
        // An earlier patch of this run may have been accepted although its answer was lost.
        const isOwn = attempt > 1 && namespace.labels[REVISION] === change.to;
        update(name, isOwn ? { ...ANSWERED, outcome: "labelled", labelledAt: io.now() } : FOLLOWS);
        return undefined;
      }
      if (decision.kind === "refused") {
        const { reason, nextStep } = decision.finding;
        return stop(name, "not-labelled", reason, nextStep);
      }
      if (decision.change.from !== change.from || decision.change.injection !== change.injection) {
        const now = namespace.labels[REVISION];
        return stop(
          name,
          "label-changed",
          `the label ${REVISION} of namespace ${name} is now ${now ?? "absent"}, not ${change.from ?? "absent"} as in the plan`,
        );
      }
      if (await accepts(namespace, decision.change, isDry)) return undefined;
      await io.sleep(500 * io.random());
    }
    return stop(name, "not-labelled", `others kept changing namespace ${name}`);
  }

  /** Waits until the control plane is ready: from the label on, it injects every new pod. */
  async function readyMesh(name: string, control: StopControl): Promise<Mesh | Ending> {
    const deadline = io.now().getTime() + settings.timeout;
    let isReported = false;
    for (;;) {
      // Somebody may stop the run while it waits.
      const stopped = control.stopReason();
      if (stopped !== undefined) return WHY_STOPPED[stopped];
      const gaps = new Gaps(api);
      const mesh = resolveMesh(await readControlPlane(api, settings.istioNamespace, gaps));
      const [gap] = gaps.all();
      if (gap !== undefined) return stop(name, "not-labelled", gap.message, gap.hint);
      const istiod = mesh.revisions.get(target.revision)?.istiod;
      if (istiod?.ready !== false) return mesh;
      const message = `the control plane ${istiod.name} is not ready`;
      if (io.now().getTime() >= deadline) {
        const why = `${message} for ${formatDuration(settings.timeout)}`;
        return stop(name, "not-labelled", why);
      }
      if (!isReported) progress.emit({ type: "notice", message: `waiting: ${message}` });
      isReported = true;
      await io.sleep(INTERVAL, control.abort);
    }
  }

  /** Returns false if the namespace has changed since it was judged. */
  async function accepts(
    { name, uid, resourceVersion }: OwnedNamespace,
    change: NamespaceChange,
    dryRun: boolean,
  ): Promise<boolean> {
    if (!dryRun) update(name, UNANSWERED);
    try {
      await sendLabels(api, { name, uid, resourceVersion, labels: labelsToSend(change), dryRun });
    } catch (error) {
      if (isConflict(error)) update(name, ANSWERED);
      // A new read shows if the label was set although its answer was lost.
      if (isConflict(error) || isUnanswered(error)) return false;
      update(name, ANSWERED);
      throw error;
    }
    if (dryRun) return true;
    update(name, { outcome: "labelled", labelledAt: io.now(), code: "", message: "" });
    progress.emit({ type: "labelled", namespace: name, message: labelText(change) });
    // The admission of the API server reads namespaces from a cache.
    await io.sleep(SETTLE);
    return true;
  }

  async function labelOrStop(
    namespace: MovedNamespace,
    control: StopControl,
  ): Promise<Ending | undefined> {
    const { name } = namespace;
    try {
      return await setLabel(namespace, control);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isUnsure = known.get(name)?.code === UNANSWERED.code;
      const what = isUnsure ? "may or may not have its label" : "could not be labelled";
      return stop(
        name,
        "not-labelled",
        `namespace ${name} ${what}: ${error.message}`,
        isForbidden(error)
          ? sentence`ask for the permission, then check: ${kubectl("auth", "can-i", "patch", "namespaces", "-n", name)}`
          : sentence`see the present state: ${istioUpgrade("check", "--namespace", name)}`,
      );
    }
  }

  return {
    target,
    names: namespaces.map(({ name }) => name),
    flags: settings.dropInjectionLabel ? ["--drop-injection-label"] : [],
    all: () => [...known.values()],
    set: (namespace) => void known.set(namespace.name, namespace),
    isPending: (name) => {
      const namespace = known.get(name);
      return namespace !== undefined && isToBeLabelled(namespace);
    },
    asMoved: (namespace) => {
      const found = known.get(namespace.name);
      const isMoved = found !== undefined && found.outcome === "planned";
      return isMoved ? withChange(namespace, found.change) : namespace;
    },
    label: (name, control) => {
      const namespace = known.get(name);
      if (namespace === undefined) return Promise.resolve(undefined);
      const begun =
        labelled.get(name) ??
        (namespace.outcome === "planned"
          ? labelOrStop(namespace, control)
          : Promise.resolve(undefined));
      labelled.set(name, begun);
      return begun;
    },
    lost: (namespace, mesh) => {
      const found = namespace && known.get(namespace.name);
      if (namespace === undefined || found === undefined || found.outcome === "planned") {
        return undefined;
      }
      // Without the webhooks, nothing shows where the labels lead.
      if (mesh.injectors === undefined) return undefined;
      if (found.outcome === "label-changed") {
        return ended("not-started", "label-changed", found.message, found.nextStep);
      }
      if (followsTarget(namespace.labels, target, mesh)) return undefined;
      const value = namespace.labels[REVISION];
      const now = value === undefined ? "is gone" : `is now ${value}`;
      const message = `somebody changed the labels of namespace ${namespace.name}: ${REVISION} ${now}, which does not lead to ${target.revision}`;
      const who = kubectl(
        "get",
        "namespace",
        namespace.name,
        "-o",
        "yaml",
        "--show-managed-fields",
      );
      return stop(namespace.name, "label-changed", message, sentence`see who changed them: ${who}`);
    },
    isFresh: (name) => {
      const at = known.get(name)?.labelledAt?.getTime();
      return at !== undefined && io.now().getTime() - at < SETTLED;
    },
  };
}

/** The state between a patch and its answer: a report in the meantime says so. */
const UNANSWERED = {
  code: "unanswered",
  message: "the label was sent, but there was no answer yet: it may be set",
} as const;
const ANSWERED = { code: "", message: "" } as const;

const FOLLOWS = { outcome: "unchanged", code: "", message: "", nextStep: "" } as const;

function labelText({ from, injection, to }: NamespaceChange): string {
  const before = from === undefined ? "" : ` (was ${from})`;
  const dropped = injection === undefined ? "" : `, istio-injection=${injection} removed`;
  return `labelled ${REVISION}=${to}${before}${dropped}`;
}
