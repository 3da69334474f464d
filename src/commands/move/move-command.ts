import { type Command, istioUpgrade } from "../../next-step.ts";
import { leaseFlags } from "../../report/leases.ts";
import { waveFlags } from "../../report/waves.ts";
import { includedBy, type RestartSettings } from "../../settings.ts";
import type { NamespaceMoves } from "./namespace-moves.ts";

/** Returns the flags of a move that another one of the same namespaces needs as well. */
export function moveFlags({ consent, scope, lease }: RestartSettings): readonly string[] {
  const include = includedBy(consent).filter((name) => name !== "current" && name !== "drifted");
  return [
    ...(scope.selector === undefined ? [] : ["--selector", scope.selector.text]),
    ...scope.excludes.flatMap(({ args }) => args),
    ...(include.length > 0 ? ["--include", include.join(",")] : []),
    ...(consent.downtime ? ["--allow-downtime"] : []),
    ...(consent.onlySidecar ? ["--only-sidecar"] : []),
    ...leaseFlags(lease),
  ];
}

/** Returns the command that begins a move, or continues it. */
export function moveCommand(settings: RestartSettings, moves: NamespaceMoves): Command {
  const { names, target, flags } = moves;
  const waves = settings.waves === undefined ? [] : waveFlags(settings.waves);
  // Another command would move more than what was approved.
  return settings.plan === undefined
    ? istioUpgrade(
        "move",
        ...names,
        "--to",
        target.label,
        ...flags,
        ...moveFlags(settings),
        ...waves,
      )
    : istioUpgrade("move", "--plan", settings.plan, ...waves, ...leaseFlags(settings.lease));
}
