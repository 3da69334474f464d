import { ANSWERS } from "./answers.ts";
import { BROKEN_BODIES } from "./broken-bodies.ts";
import { PAGES } from "./pages.ts";
import type { InterceptedRequest } from "./proxy.ts";

export type Times = "once" | "always";

/** A fault that the proxy applies to a request, and the expected report. */
export interface Fault {
  readonly name: string;
  /** True if a retry may succeed. */
  readonly transient: boolean;
  /** Set if only pages after the first can have this fault. */
  readonly midList?: true;
  /** Set if only "once" or only "always" makes sense. */
  readonly onlyTimes?: Times;
  /** The requests to try. Set if a run takes so long that a few lists must be enough. */
  readonly onlyKeys?: RegExp;
  /** Set if the API server has processed the request, although its answer is broken. */
  readonly carriedOut?: true;
  /** Set if the fault affects the next connection of any request. */
  readonly affectsConnections?: true;
  /** The milliseconds by which the program's clock is ahead; no request has a fault then. */
  readonly clockAheadMs?: number;
  /** The `reason` of the expected gap. */
  readonly gap:
    | "unreachable"
    | "unauthorized"
    | "refused"
    | "forbidden"
    | "malformed"
    | "inconsistent";
  apply(intercepted: InterceptedRequest): Promise<void> | void;
}

const noAnswer = { transient: true, gap: "unreachable" } as const;
const noConnection = { transient: false, gap: "unreachable", affectsConnections: true } as const;

const CONNECTIONS: readonly Fault[] = [
  {
    ...noConnection,
    name: "connections refused",
    apply: ({ server, times }) => {
      server.close();
      if (times === "once") setTimeout(() => void server.open(), 50);
    },
  },
  {
    ...noConnection,
    name: "a certificate of an unknown authority",
    apply: ({ server, times }) => server.present("foreign", times),
  },
  {
    ...noConnection,
    name: "an expired certificate",
    apply: ({ server, times }) => server.present("expired", times),
  },
  {
    ...noAnswer,
    name: "reset before the answer",
    apply: ({ request }) => void request.socket.destroy(),
  },
  { ...noAnswer, name: "a stalled request", apply: () => undefined },
];

const HOURS = 3600 * 1000;

/** Faults of the program's own clock: `key` and `times` have no meaning. */
export const CLOCKS: readonly Fault[] = [5, -5].map((hours) => ({
  name: `a clock ${Math.abs(hours)} hours ${hours > 0 ? "ahead" : "behind"}`,
  transient: true,
  gap: "inconsistent",
  clockAheadMs: hours * HOURS,
  apply: () => undefined,
}));

export const FAULTS: readonly Fault[] = [...CONNECTIONS, ...BROKEN_BODIES, ...ANSWERS, ...PAGES];
