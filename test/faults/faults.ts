import { ANSWERS } from "./answers.ts";
import { BROKEN_BODIES } from "./broken-bodies.ts";
import { PAGES } from "./pages.ts";
import type { Passing } from "./proxy.ts";

export type Times = "once" | "for ever";

/** What may happen to a request, and what is to be said of it. */
export interface Fault {
  readonly name: string;
  /** It may pass: another try is worth while. */
  readonly passes: boolean;
  /** Only of the pages after the first. */
  readonly midList?: true;
  /** Where the other makes no sense. */
  readonly only?: Times;
  /** It takes so long that a few lists stand for all. */
  readonly of?: RegExp;
  /** The API server has carried out the request, whatever became of its answer. */
  readonly carriedOut?: true;
  /** It strikes whichever request connects next, not only the one that sets it off. */
  readonly ofConnections?: true;
  /** Milliseconds that the program's clock is ahead; no request is struck at all. */
  readonly ahead?: number;
  /** `reason` of the gap that it leaves. */
  readonly gap: "unreachable" | "refused" | "forbidden" | "malformed" | "inconsistent";
  strike(passing: Passing): Promise<void> | void;
}

const noAnswer = { passes: true, gap: "unreachable" } as const;
const noConnection = { passes: false, gap: "unreachable", ofConnections: true } as const;

const CONNECTIONS: readonly Fault[] = [
  {
    ...noConnection,
    name: "connections refused",
    strike: ({ front, times }) => {
      front.close();
      if (times === "once") setTimeout(() => void front.open(), 50);
    },
  },
  {
    ...noConnection,
    name: "TLS of another authority",
    strike: ({ front, times }) => front.present("foreign", times),
  },
  {
    ...noConnection,
    name: "an expired certificate",
    strike: ({ front, times }) => front.present("expired", times),
  },
  {
    ...noAnswer,
    name: "reset before the answer",
    strike: ({ request }) => void request.socket.destroy(),
  },
  { ...noAnswer, name: "stalled", strike: () => undefined },
];

const HOURS = 3600 * 1000;

/** Of the program's own clock: key and times mean nothing. */
export const CLOCKS: readonly Fault[] = [5, -5].map((hours) => ({
  name: `its clock ${Math.abs(hours)} hours ${hours > 0 ? "ahead" : "behind"}`,
  passes: true,
  gap: "inconsistent",
  ahead: hours * HOURS,
  strike: () => undefined,
}));

export const FAULTS: readonly Fault[] = [...CONNECTIONS, ...BROKEN_BODIES, ...ANSWERS, ...PAGES];
