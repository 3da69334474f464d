import type { Env } from "../io.ts";

/** What a request shows of who sends it. */
export interface Credential {
  /** `Bearer TOKEN` */
  readonly authorization?: string;
  /** PEM */
  readonly cert?: string;
  readonly key?: string;
}

/** Where credentials come from; the same object as long as they are the same. */
export interface Credentials {
  current(): Promise<Credential>;
  /** Others, where the server does not know these any more. */
  renew(refused: Credential): Promise<Credential>;
}

/** What a credential plugin needs of the outside world. */
export interface PluginHost {
  readonly env: Env;
  /** Milliseconds since 1970, to hold times of expiry against. */
  now(this: void): number;
  /** Somebody sits at stdin, whom a plugin may ask. */
  readonly terminal: boolean;
  /** Called before a plugin runs, which writes to stderr what is to be seen. */
  stepAside(this: void): void;
}
