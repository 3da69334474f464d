import type { Env } from "../io.ts";
import { loadKubeconfig } from "./loaded-kubeconfig.ts";

/** The contexts of the kubeconfig files. */
export interface KnownContexts {
  readonly current: string | undefined;
  readonly names: readonly string[];
  /** True if there is a kubeconfig file. */
  readonly isConfigured: boolean;
}

/**
 * Reads the names of the contexts, without a connection.
 *
 * @throws CannotRun if a file is missing or invalid.
 */
export function readContexts(kubeconfig: string | undefined, env: Env): KnownContexts {
  const { files, config } = loadKubeconfig(kubeconfig, env);
  const names = [...config.contexts.keys()];
  return { current: config.currentContext, names, isConfigured: files.length > 0 };
}
