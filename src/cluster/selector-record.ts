import type { V1LabelSelector } from "@kubernetes/client-node";
import type { LabelSelector } from "../snapshot.ts";

export function selectorRecord(selector: V1LabelSelector | undefined): LabelSelector {
  return {
    matchLabels: selector?.matchLabels ?? {},
    matchExpressions: selector?.matchExpressions ?? [],
  };
}
