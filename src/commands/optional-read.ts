import { ApiError, unreadText } from "../http/api-error.ts";
import type { Session } from "./session.ts";

/**
 * Waits for a read that a report can do without. If it fails, a note for the user says so.
 *
 * @param what continues the note after `not allowed to` or `could not`.
 * @returns `undefined` if the API server did not answer with the value.
 */
export async function readOrNote<Value>(
  { notes }: Pick<Session, "notes">,
  read: Promise<Value>,
  what: string,
): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notes.add(unreadText(error, what));
    return undefined;
  }
}
