import { ApiError, isUnauthorized } from "../../http/api-error.ts";
import type { Api } from "../../http/api.ts";
import type { Io } from "../../io.ts";

/** The API server, and the news that it no longer accepts the login. */
export interface LoginWatch {
  /** Sends requests. After the loss of a login that is watched, it answers none of them. */
  readonly api: Api;
  /**
   * Watches the login of all requests from now on.
   *
   * @param onLoss gets the error, once.
   * @returns a function that ends the watch.
   */
  readonly watch: (onLoss: (message: string) => void) => () => void;
}

/** An authenticator that is unavailable for a moment also answers 401. */
const ATTEMPTS = 4;
const PAUSE = 1000;

/**
 * Creates the watch over the login of a run. A run cannot follow its rollouts without a login, and each
 * further request would start the credential plugin again, which may open a browser.
 */
export function createLoginWatch(api: Api, io: Pick<Io, "sleep">): LoginWatch {
  let onLoss: ((message: string) => void) | undefined;
  let isLost = false;

  const send: Api["send"] = async (request) => {
    for (let attempt = 1; !isLost; attempt += 1) {
      try {
        return await api.send(request);
      } catch (error) {
        if (!(error instanceof ApiError) || !isUnauthorized(error)) throw error;
        if (onLoss === undefined) throw error;
        if (error.status === 401 && attempt < ATTEMPTS) {
          await io.sleep(PAUSE);
        } else if (!isLost) {
          isLost = true;
          onLoss(error.message);
        }
      }
    }
    // The run has ended the loops that wait for this request.
    return new Promise(() => undefined);
  };

  return {
    api: { ...api, send },
    watch: (listener) => {
      onLoss = listener;
      return () => {
        onLoss = undefined;
      };
    },
  };
}
