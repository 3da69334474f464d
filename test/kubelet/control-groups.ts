import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

/** Control groups of the tests have this prefix, and the process number of their owner. */
const PREFIX = "istio-upgrade-kubelet-";
const ROOT = "/sys/fs/cgroup";

/** The name of the control group that contains all containers of the run of the process `owner`. */
export function controlGroup(owner: number): string {
  return `${PREFIX}${owner}`;
}

/**
 * Creates the control group in every hierarchy, because the kubelet requires that it exists.
 *
 * @throws if this process may not create control groups.
 */
export function createControlGroup(owner: number): void {
  for (const hierarchy of hierarchies()) {
    mkdirSync(join(hierarchy, controlGroup(owner)), { recursive: true });
  }
}

/** Removes the control groups of this process, and those whose owner has ended. */
export function removeControlGroups(): void {
  for (const hierarchy of hierarchies()) {
    for (const name of readdirSync(hierarchy)) {
      const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : undefined;
      if (owner === undefined) continue;
      if (owner === process.pid || !existsSync(`/proc/${owner}`)) removeTree(join(hierarchy, name));
    }
  }
}

/** Version 2 has one hierarchy. Version 1 has one for each controller. */
function hierarchies(): string[] {
  if (existsSync(join(ROOT, "cgroup.controllers"))) return [ROOT];
  return readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(ROOT, name))
    .filter((folder) => existsSync(join(folder, "cgroup.procs")));
}

/** The files of a control group disappear with its folder. */
function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  rmdirSync(folder);
}
