import { rolloutCommand } from "../../kubernetes/kinds.ts";
import { type Ending, ended } from "../../rollout/ending.ts";
import type { WorkloadRef } from "../../snapshot.ts";
import type { Session } from "../session.ts";

/** Milliseconds that a request under way may still take once the report is wanted. */
const LAST_WORDS = 1000;

/**
 * Whoever wants the report at once does not wait for an API server that is silent.
 *
 * @param mayRoll whether its restart has been sent.
 */
export async function givenUp(
  { io }: Pick<Session, "io">,
  ref: WorkloadRef,
  abort: AbortSignal,
  mayRoll: () => boolean,
): Promise<Ending> {
  if (!abort.aborted) {
    await new Promise((resolve) => abort.addEventListener("abort", resolve, { once: true }));
  }
  await io.sleep(LAST_WORDS);
  return mayRoll()
    ? ended(
        "timed-out",
        "interrupted",
        "it may still roll: the API server did not say",
        rolloutCommand("status", ref),
      )
    : ended("not-started", "interrupted", "the run was interrupted");
}
