import type { ApiOwned } from "./api-objects.ts";
import type { Api } from "../http/api.ts";
import type { Gaps } from "./gaps.ts";
import { listPages, type ListRequest } from "../http/pages.ts";
import type { Sweep } from "./sweep.ts";

/** One of the lists that are read side by side. */
export interface Lane<Item> {
  /** `list pods`, should it be missing. */
  readonly what: string;
  readonly list: ListRequest<Item>;
  /** `undefined`: the whole cluster. */
  readonly place: string | undefined;
  /** Takes what is needed of an item, whose bytes are another's afterwards. */
  fold(item: Item): void;
  /** Not all of it could be read. */
  failed?(): void;
}

/** Reads a list in step with the others of its sweep. What cannot be read becomes a gap. */
export async function readLane<Item extends ApiOwned>(
  api: Api,
  lane: Lane<Item>,
  gaps: Gaps,
  sweep: Sweep,
): Promise<void> {
  const whole = await gaps.during(lane.what, lane.place, async (inconsistent) => {
    let at: string | undefined;
    for await (const page of listPages(api, { ...lane.list, inconsistent })) {
      for (const item of page) {
        const namespace = item.metadata?.namespace ?? "";
        if (namespace !== at) await sweep.enter(namespace);
        at = namespace;
        lane.fold(item);
      }
    }
    return true;
  });
  if (whole === undefined) lane.failed?.();
  await sweep.leave();
}
