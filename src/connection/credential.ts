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
  /**
   * Set if nobody sees the plugin: its messages are dropped, and it is ended when the signal fires.
   */
  readonly unattended?: AbortSignal | undefined;
  /** Ends the plugin when it fires. */
  readonly ended?: AbortSignal | undefined;
  /**
   * Gives the terminal to a plugin, which may write to stderr and read the keyboard.
   *
   * @returns a function that takes the terminal back.
   */
  pauseProgress(this: void, login: PluginLogin): (() => void) | Promise<() => void>;
  /** Gets each line that a plugin without a keyboard writes to stderr, if stderr is shared. */
  readonly onMessage?: ((line: string) => void) | undefined;
  /** The credentials of plugins, which several clusters share; by their users. */
  readonly shared?: Map<string, Credentials> | undefined;
}

/** A run of a credential plugin. */
export interface PluginLogin {
  /** The name of the user in the kubeconfig. */
  readonly user: string;
  /** True if the plugin may read the keyboard. */
  readonly interactive: boolean;
}
