import { createHash } from "node:crypto";
import pLimit from "p-limit";
import { EVENTS_GROUP } from "../../cluster/events.ts";
import { gapOf } from "../../cluster/gaps.ts";
import { createEvent } from "../../cluster/write.ts";
import { messageOf } from "../../errors.ts";
import { EXIT, type ExitReason } from "../../exit-codes.ts";
import { ApiError, isForbidden, isUnanswered } from "../../http/api-error.ts";
import type { Assessment } from "../../mesh/assessment.ts";
import { istioUpgrade, sentence } from "../../next-step.ts";
import { createStepFormatter } from "../../report/next-step-text.ts";
import { noticeNote } from "../../report/notice-note.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { type Notice, noticeOfResult, noticeOfStart, type Share } from "../../rollout/notices.ts";
import { noticeToOwner } from "../../rollout/owner-notice.ts";
import type { StepResult } from "../../rollout/result.ts";
import type { Step } from "../../rollout/step.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Gap } from "../../snapshot.ts";
import { count } from "../../wording.ts";
import { isExcluded } from "../scope-filter.ts";
import type { Session } from "../session.ts";
import { READS_AT_A_TIME } from "./request-limits.ts";

/** The Kubernetes Events of one run (`--events`). An Event that cannot be written stops nothing. */
export interface Notices {
  /**
   * Writes the Event before a workload is changed; only the first call does. Resolves once it is written,
   * at the latest after a second: the change must not wait for it.
   */
  readonly begin: (step: Step, resourceVersion?: string) => Promise<void>;
  /** Writes the Event about a result, without waiting. Another result of the workload gets another one. */
  readonly end: (result: StepResult) => void;
  /**
   * Writes the Events about results that have none yet, and those to the owners of workloads. Resolves
   * once all have been tried.
   *
   * @param abort ends the wait.
   */
  readonly close: (
    results: readonly StepResult[],
    owned: readonly Assessment[],
    abort: AbortSignal,
  ) => Promise<void>;
  /**
   * Gives up the Events that are not written yet. Returns the gaps of all that could not be written, and
   * the reason for the exit code.
   */
  readonly unwritten: () => {
    readonly gaps: readonly Gap[];
    readonly reasons: readonly ExitReason[];
  };
}

/** The resource of Events with its group, as in `kubectl auth can-i`. */
const EVENTS = `events.${EVENTS_GROUP}`;

/** Milliseconds that a restart waits for its Event. */
const PATIENCE = 1000;
/** At the end of a run, no more Events are tried after this many without an answer in a row. */
const MOST_UNANSWERED = 3;
/**
 * Milliseconds in which the same Event to an owner is written once. It is less than the hour for which an
 * API server keeps Events by default, so that a run in each hour leaves no gap.
 */
const SLOT = 30 * 60_000;

/** Events that could not be written in one namespace. */
interface Unwritten {
  readonly number: number;
  /** The first error. */
  readonly error: unknown;
}

/**
 * Creates the Events of a run that is not a dry run.
 *
 * @param user the user's name according to the API server.
 * @param awaited the uids of the workloads that the run only waits for.
 */
export function createNotices(
  session: Session<RestartSettings>,
  user: string | undefined,
  awaited: ReadonlySet<string>,
): Notices {
  const { api, io, settings } = session;
  const way = settings.inPlace ? "replacement" : "restart";
  const run = { way, user, why: settings.reason } as const;
  const formatStep = createStepFormatter({ istioNamespace: settings.istioNamespace });
  const reportingInstance = instanceOf(session);
  const limit = pLimit(READS_AT_A_TIME);
  const begun = new Set<string>();
  const told = new Map<string, string>();
  /** The uids of the workloads whose owners know from this run that something is wrong. */
  const warned = new Set<string>();
  const lost = new Map<string, Unwritten>();
  /** The Events that are neither written nor given up. */
  const pending = new Set<Notice>();
  /** The last Event of each workload: the next one follows it. */
  const last = new Map<string, Promise<void>>();
  let unansweredInRow = 0;
  let isClosing = false;

  /** @param slot a part of the time, in which the same Event is written once. */
  function enqueue(notice: Notice, slot: number): Promise<void> {
    const { uid } = notice.workload;
    pending.add(notice);
    const written = (last.get(uid) ?? Promise.resolve()).then(() =>
      limit(() => write(notice, slot)),
    );
    last.set(uid, written);
    return written;
  }

  /** Never rejects. */
  async function write(notice: Notice, slot: number): Promise<void> {
    // It was given up.
    if (!pending.has(notice)) return;
    const { workload, type, reason, action } = notice;
    const reasonAgainst = hopeless(workload.namespace);
    if (reasonAgainst !== undefined) return lose(notice, reasonAgainst);
    try {
      const note = noticeNote(notice, formatStep);
      const id = idOf([workload.uid, type, reason, note, slot]);
      const event = { regarding: workload, id, time: io.now(), reportingInstance, type, reason };
      await createEvent(api, { ...event, action, note });
      unansweredInRow = 0;
      pending.delete(notice);
    } catch (error) {
      if (!(error instanceof ApiError)) writeStacks(error, io);
      unansweredInRow = isBusy(error) ? unansweredInRow + 1 : 0;
      lose(notice, error);
    }
  }

  /** Returns the error that another Event would meet as well; `undefined` if it is worth a try. */
  function hopeless(namespace: string): unknown {
    const before = lost.get(namespace)?.error;
    if (isForbidden(before)) return before;
    if (!isClosing || unansweredInRow < MOST_UNANSWERED) return undefined;
    return before ?? new ApiError(UNTRIED, { status: 0, reason: "untried" });
  }

  function lose(notice: Notice, error: unknown): void {
    if (!pending.delete(notice)) return;
    const { namespace } = notice.workload;
    const before = lost.get(namespace) ?? { number: 0, error };
    lost.set(namespace, { ...before, number: before.number + 1 });
  }

  function shareIn({ ref: { uid }, startedAt }: StepResult): Share {
    if (awaited.has(uid)) return "awaited";
    return begun.has(uid) || startedAt !== undefined ? "own" : "none";
  }

  function end(result: StepResult): void {
    const { ref, outcome, code } = result;
    const state = `${outcome} ${code}`;
    const notice = noticeOfResult(result, shareIn(result), run);
    if (notice === undefined || told.get(ref.uid) === state) return;
    told.set(ref.uid, state);
    if (notice.type === "Warning") warned.add(ref.uid);
    void enqueue(notice, io.now().getTime());
  }

  return {
    begin: async (step, resourceVersion) => {
      const { uid } = step.ref;
      if (begun.has(uid)) return;
      begun.add(uid);
      const written = new AbortController();
      const notice = noticeOfStart(step, resourceVersion, run);
      void enqueue(notice, io.now().getTime()).then(() => written.abort());
      await io.sleep(PATIENCE, written.signal);
    },
    end,
    close: async (results, owned, abort) => {
      isClosing = true;
      unansweredInRow = 0;
      for (const result of results) end(result);
      const slot = Math.floor(io.now().getTime() / SLOT);
      const others = owned.filter(({ workload }) => !warned.has(workload.uid));
      for (const notice of ownerNotices(settings, others)) void enqueue(notice, slot);
      const aborted = new Promise<void>((resolve) => {
        if (abort.aborted) resolve();
        abort.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.race([aborted, Promise.all(last.values())]);
    },
    unwritten: () => {
      for (const notice of pending) lose(notice, new Error(STOPPED));
      const number = [...lost.values()].reduce((sum, one) => sum + one.number, 0);
      return {
        gaps: [...lost].map(([namespace, one]) => unwrittenGap(namespace, one)),
        reasons: number === 0 ? [] : [{ code: EXIT.incomplete, text: `events:${number}` }],
      };
    },
  };
}

const UNTRIED = "the API server did not answer, or was too busy";

/** True if the API server did not answer, or asked for a pause after the last attempt as well. */
function isBusy(error: unknown): boolean {
  return isUnanswered(error) || (error instanceof ApiError && error.status === 429);
}

const STOPPED = "the run ended before they were written";

/**
 * Returns the notices to the owners of workloads. Nobody asked for one in a namespace that
 * `--exclude-namespace` leaves out.
 */
export function ownerNotices(
  { scope, consent }: Pick<RestartSettings, "scope" | "consent">,
  assessments: readonly Assessment[],
): readonly Notice[] {
  const places = scope.excludes.filter(({ kind }) => kind === undefined);
  return assessments
    .filter(({ workload }) => !places.some((place) => isExcluded(workload, place)))
    .flatMap((assessment) => noticeToOwner(assessment, consent.missing) ?? []);
}

function unwrittenGap(namespace: string, { number, error }: Unwritten): Gap {
  const access = { verb: "create", resource: EVENTS, namespace };
  const message = `${count(number, "Event", ["was", "were"])} not written: ${messageOf(error)}`;
  if (error instanceof ApiError) return { ...gapOf(access, error), message };
  return {
    ...access,
    reason: messageOf(error) === STOPPED ? "interrupted" : "unexpected-error",
    message,
    hint: sentence`see the state of the workloads: ${istioUpgrade("check", "--namespace", namespace)}`,
  };
}

/** The most bytes of the name of a reporting instance. Source: as that of the note. */
const LONGEST_INSTANCE = 128;

/** The name of the pod; outside a cluster, that of the machine and the number of the process. */
function instanceOf({ api, io }: Pick<Session, "api" | "io">): string {
  const name = api.connection.inCluster ? io.hostname() : `${io.hostname()}-${io.process.pid}`;
  return name.slice(-LONGEST_INSTANCE);
}

function idOf(parts: readonly (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}
