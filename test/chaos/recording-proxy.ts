import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent } from "node:https";
import { buffer } from "node:stream/consumers";
import { answer, forward, isWatch, passOn } from "../faults/proxy.ts";
import { startTlsServer, type TlsServer } from "../faults/tls-server.ts";
import type { Fate, RunPlan } from "./world.ts";

/** A restart that a run sent, and that may have been lost on the way. */
export interface SentRestart {
  /** The number of the request in its run, from 1. */
  readonly number: number;
  /** The time of the request, in milliseconds since the epoch. */
  readonly time: number;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly restartedAt: string;
  readonly fate: Fate;
  /** The status of the answer; `undefined` if the request did not arrive. */
  readonly status: number | undefined;
}

export interface RecordingProxy extends Pick<TlsServer, "url" | "authorities" | "stop"> {
  /** Returns the restarts so far, without dry runs. */
  restarts(): readonly SentRestart[];
  /** Returns the number of answers that were lost. */
  lost(): number;
}

/**
 * Starts a proxy between one run and the API server. It records restarts, and loses requests and
 * answers as the plan says.
 *
 * @param observe called before the first list of pods is forwarded, and before each restart.
 */
export async function startRecordingProxy(
  target: string,
  ca: string,
  { restarts: fates, lostRead = Infinity }: RunPlan,
  observe: {
    readonly firstPods: () => Promise<void>;
    readonly restart: (restart: Omit<SentRestart, "status" | "fate">) => Promise<void>;
  },
): Promise<RecordingProxy> {
  const agent = new Agent({ keepAlive: true, ca });
  const restarts: SentRestart[] = [];
  let [sent, reads, lost] = [0, 0, 0];
  let begun: Promise<void> | undefined;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", target);
    if (isWatch(url)) return passOn(request, response, url, agent);
    const body = await buffer(request);
    if (url.pathname.endsWith("/pods") && request.method === "GET") {
      await (begun ??= observe.firstPods());
    }
    const isPatch = request.method === "PATCH" && url.searchParams.get("dryRun") === null;
    if (!isPatch) {
      if (request.method === "GET") reads += 1;
      const upstream = await forward(request, url, agent, body);
      if (request.method === "GET" && reads % lostRead === 0) return lose(request);
      return answer(response, upstream);
    }
    const fate = fates[sent] ?? "arrives";
    sent += 1;
    const restart = { number: sent, time: Date.now(), ...restartOf(url, body) };
    if (fate === "unsent") {
      restarts.push({ ...restart, fate, status: undefined });
      return lose(request);
    }
    await observe.restart(restart);
    const upstream = await forward(request, url, agent, body);
    restarts.push({ ...restart, fate, status: upstream.status });
    return fate === "unanswered" ? lose(request) : answer(response, upstream);
  }

  function lose(request: IncomingMessage): void {
    lost += 1;
    request.socket.destroy();
  }

  const server = await startTlsServer((request, response) => {
    respond(request, response).catch(() => request.socket.destroy());
  });
  return {
    url: server.url,
    authorities: server.authorities,
    restarts: () => restarts,
    lost: () => lost,
    async stop() {
      agent.destroy();
      await server.stop();
    },
  };
}

function restartOf({ pathname }: URL, body: Buffer) {
  const [, namespace = "", name = ""] =
    /\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/.exec(pathname) ?? [];
  const { metadata, spec } = JSON.parse(body.toString());
  const { uid, resourceVersion } = metadata;
  const restartedAt =
    spec.restartAt ?? spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"];
  return { namespace, name, uid, resourceVersion, restartedAt };
}
