import type { LabelSelector } from "../snapshot.ts";
import type { ApiLabelSelector } from "./api-objects.ts";

export function selectorRecord(selector: ApiLabelSelector | undefined): LabelSelector {
  return {
    matchLabels: selector?.matchLabels ?? {},
    matchExpressions: (selector?.matchExpressions ?? []).map(
      ({ key = "", operator = "", values }) => ({ key, operator, ...(values && { values }) }),
    ),
  };
}
