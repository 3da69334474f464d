import type { GateResult, SoakResult } from "../rollout/wave-result.ts";

/** The codes of soaks and gates in events, in results and in `exitReasons`. */
export const SOAK_CODES: Readonly<Record<SoakResult["result"], string>> = {
  passed: "soak-passed",
  failed: "soak-failed",
  unread: "soak-unread",
  stopped: "soak-stopped",
};

export const GATE_CODES: Readonly<Record<GateResult["result"], string>> = {
  passed: "gate-passed",
  refused: "gate-refused",
  unanswered: "gate-unanswered",
  stopped: "gate-stopped",
};
