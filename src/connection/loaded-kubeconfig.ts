import type { Env } from "../io.ts";
import { findKubeconfigFiles } from "./chosen-context.ts";
import { type Kubeconfig, mergeKubeconfigs, readKubeconfig } from "./kubeconfig-file.ts";

/** The kubeconfig files, and their merged content. */
export interface LoadedKubeconfig {
  readonly files: readonly string[];
  readonly config: Kubeconfig;
}

/**
 * Reads the kubeconfig files as kubectl does.
 *
 * @throws CannotRun if a file is missing or invalid.
 */
export function loadKubeconfig(kubeconfig: string | undefined, env: Env): LoadedKubeconfig {
  const files = findKubeconfigFiles(kubeconfig, env);
  return { files, config: mergeKubeconfigs(files.map((file) => readKubeconfig(file))) };
}
