import { buildProgram } from "../../../src/program.ts";
import { recordedIo } from "./recorded-io.ts";

const nothing = () => Promise.resolve();

/** The program with all its flags, whose commands do nothing. */
export const IDLE_PROGRAM = buildProgram(recordedIo(), {
  check: nothing,
  restart: nothing,
  move: nothing,
  verify: nothing,
  explain: nothing,
  revisions: nothing,
  status: nothing,
  completion: nothing,
  complete: nothing,
  version: () => undefined,
});
