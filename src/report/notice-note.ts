import { resourceName } from "../kubernetes/kinds.ts";
import { istioUpgrade } from "../next-step.ts";
import type { Notice } from "../rollout/notices.ts";
import type { StepFormatter } from "./next-step-text.ts";
import { plain, plainCommand } from "./plain.ts";

/** The most bytes of a note. Source: k8s.io/kubernetes `pkg/apis/core/validation/events.go`. */
const LONGEST = 1024;
/** A longer next step would leave no room for the message: the note names the command that explains it. */
const LONGEST_STEP = 640;

/**
 * Returns the note of an Event: the message, and then what to do. A long message is cut; a command never
 * is.
 *
 * @param formatStep prints commands for anybody, without the flags of the operator's kubeconfig.
 */
export function noticeNote(
  { message, nextStep, workload }: Notice,
  formatStep: StepFormatter,
): string {
  const full = plainCommand(formatStep(nextStep));
  const { kind, name, namespace } = workload;
  const explain = istioUpgrade("explain", resourceName({ kind, name }), "--namespace", namespace);
  const step = bytesOf(full) > LONGEST_STEP ? formatStep(explain) : full;
  const end = step === "" ? "" : ` Next step: ${step}`;
  return `${cutBytes(plain(message), LONGEST - bytesOf(end))}${end}`;
}

const ELLIPSIS = "…";

function cutBytes(text: string, most: number): string {
  if (bytesOf(text) <= most) return text;
  const room = most - bytesOf(ELLIPSIS);
  let used = 0;
  let end = 0;
  for (const character of text) {
    used += bytesOf(character);
    if (used > room) break;
    end += character.length;
  }
  return `${text.slice(0, end)}${ELLIPSIS}`;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
