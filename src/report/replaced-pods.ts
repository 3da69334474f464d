import { isRestarted, type ReplacedPod } from "../rollout/replacement.ts";
import type { ContainerRunEntry, ReplacedPodEntry } from "./document.ts";

export function replacedPodEntry(pod: ReplacedPod): ReplacedPodEntry {
  const { name, uid, node, outcome, before, after, application, startedAt, finishedAt } = pod;
  return {
    name,
    uid,
    node: node ?? null,
    outcome,
    before,
    after: after ?? null,
    applicationRestarted: application.some(isRestarted),
    application: application.map(({ container, before: first, after: last }) => ({
      container,
      before: runEntry(first),
      after: last === undefined ? null : runEntry(last),
    })),
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
  };
}

function runEntry({
  restartCount,
  startedAt,
}: ReplacedPod["application"][number]["before"]): ContainerRunEntry {
  return { restartCount, startedAt: startedAt ?? null };
}
