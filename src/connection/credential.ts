import type { Env } from "../io.ts";

/** The part of a request that authenticates its sender. */
export interface Credential {
  /** The value of the `Authorization` header, such as `Bearer TOKEN`. */
  readonly authorization?: string;
  /** A client certificate, in PEM. */
  readonly cert?: string;
  /** The private key of the client certificate, in PEM. */
  readonly key?: string;
}

/** A source of credentials. It returns the same object until the credentials change. */
export interface Credentials {
  current(): Promise<Credential>;
  /** Returns other credentials if possible, after the API server rejected these. */
  renew(rejected: Credential): Promise<Credential>;
}

/** The parts of the outside world that a credential plugin needs. */
export interface PluginHost {
  readonly env: Env;
  /** Returns the milliseconds since 1970, for comparison with expiration times. */
  now(this: void): number;
  /** True if stdin is a terminal, so that a plugin can prompt the user. */
  readonly terminal: boolean;
  /** Clears the progress display, because a plugin is about to write to stderr. */
  clearProgress(this: void): void;
}
