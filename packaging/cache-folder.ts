import { homedir } from "node:os";
import { join } from "node:path";

/** Returns a folder for downloads and programs that are built once, in the user's cache. */
export function cacheFolder(...names: readonly string[]): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "istio-upgrade", ...names);
}
