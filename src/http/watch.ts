import type { IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { ApiError } from "./api-error.ts";
import { requestFunction, USER_AGENT } from "./exchange.ts";

/** The changes of objects to watch. */
export interface WatchRequest {
  /** The path of a list, such as `/apis/apps/v1/namespaces/shop/deployments`. */
  readonly path: string;
  readonly fieldSelector: string;
}

/** The seconds after which the API server ends a watch. */
const LONGEST_SECONDS = 120;
/** The bytes after which a watch ends. The metadata of a workload has some thousand. */
const MOST_BYTES = 16 * 1024 * 1024;

/** The query of a watch. Without a `resourceVersion`, it begins with the objects that exist. */
export function watchQuery({ fieldSelector }: WatchRequest): Readonly<Record<string, string>> {
  return { watch: "true", fieldSelector, timeoutSeconds: String(LONGEST_SECONDS) };
}

/**
 * Watches until the watch ends: by the API server, the signal of the options, or a broken connection.
 * The events are not read: they only tell that something has changed.
 *
 * @param onOpen is called when the API server has accepted the watch.
 * @param onEvent is called at every event. The first ones are about the objects that exist.
 * @throws ApiError if the API server rejects the watch. Any other error is one of the connection before
 *   that.
 */
export function watchChanges(
  url: URL,
  options: RequestOptions,
  { onOpen, onEvent }: { readonly onOpen: () => void; readonly onEvent: () => void },
): Promise<void> {
  const start = requestFunction(url);
  const headers = {
    ...(options.headers as Record<string, string>),
    // Custom resources have this form, too. It has neither the spec nor the status.
    Accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    "User-Agent": USER_AGENT,
  };
  // A watch without changes is silent. A server that is gone does not end it.
  const timeout = (LONGEST_SECONDS + 30) * 1000;
  return new Promise((resolve, reject) => {
    const request = start(url, { ...options, method: "GET", headers, timeout });
    request.on("response", (response: IncomingMessage) => {
      const { statusCode: status = 0 } = response;
      if (status !== 200) {
        reject(new ApiError(`the watch was rejected: HTTP ${status}`, { status, reason: "" }));
        request.destroy();
        return;
      }
      onOpen();
      let received = 0;
      response.on("data", ({ length }: Buffer) => {
        received += length;
        if (received > MOST_BYTES) request.destroy();
        onEvent();
      });
      response.on("error", resolve).on("close", resolve);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", reject).on("close", resolve);
    request.end();
  });
}
