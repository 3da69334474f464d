import { kubectl, pipeline, sed, sentence } from "../next-step.ts";
import type { PodGroup } from "../snapshot.ts";
import type { Warning } from "./warnings.ts";
import type { Finding } from "./findings.ts";
import { type Mesh, SHARED_CONFIG_MAP } from "./mesh.ts";

/**
 * Finds a revision whose shared ConfigMap the target revision lacks. AKS does not copy the mesh
 * configuration in this ConfigMap to a new revision, so a restart would lose it silently.
 *
 * @param running the pods to restart.
 * @param target the revision that the new pods get.
 * @returns `undefined` if a restart loses no configuration.
 */
export function lostSharedConfigMap(
  running: readonly Pick<PodGroup, "revision">[],
  target: string,
  { sharedConfigMaps, istioNamespace }: Mesh,
): Finding | undefined {
  const name = (revision: string) => `${SHARED_CONFIG_MAP}-${revision}`;
  if (sharedConfigMaps?.has(name(target))) return undefined;
  const old = running
    .flatMap(({ revision }) => revision ?? [])
    .find((revision) => revision !== target && sharedConfigMaps?.has(name(revision)) !== false);
  if (old === undefined) return undefined;
  if (sharedConfigMaps === undefined) {
    return {
      code: "shared-configmap-unread",
      reason: `${name(old)} may hold mesh configuration that would be lost with the revision ${target}: the configmaps in ${istioNamespace} could not be read`,
      nextStep: sentence`ask for the permission, then check: ${kubectl("auth", "can-i", "list", "configmaps", "-n", istioNamespace)}`,
    };
  }
  // Other characters could change the meaning of the sed command in the next step.
  const isSafeInSed = [old, target].every((revision) => /^[\w.-]+$/.test(revision));
  return {
    code: "shared-configmap-missing",
    reason: `${name(old)} exists in ${istioNamespace} and ${name(target)} does not: the mesh configuration in it would be lost`,
    nextStep: isSafeInSed
      ? pipeline(
          kubectl("get", "configmap", name(old), "-n", istioNamespace, "-o", "yaml"),
          sed(`s/${old}/${target}/`),
          kubectl("create", "-f", "-"),
        )
      : `copy ${name(old)} in ${istioNamespace} to ${name(target)}`,
  };
}

/**
 * Warns about the settings in a revision's shared ConfigMap that the one of the target revision lacks.
 * A setting with another value is a change that somebody made on purpose.
 *
 * @returns `undefined` if none is missing, or if either ConfigMap is missing or is not YAML.
 */
export function lostSettings(
  old: string,
  target: string,
  { sharedConfigMaps }: Pick<Mesh, "sharedConfigMaps">,
): Warning | undefined {
  const [oldName, newName] = [`${SHARED_CONFIG_MAP}-${old}`, `${SHARED_CONFIG_MAP}-${target}`];
  const before = sharedConfigMaps?.get(oldName);
  const after = sharedConfigMaps?.get(newName);
  if (old === target || before === undefined || after === undefined) return undefined;
  const lost = before.filter((path) => !after.includes(path));
  // A setting that is missing as a whole stands for its entries.
  const shown = lost.filter(
    (path) => !lost.some((part) => path.startsWith(`${part}.`) || path.startsWith(`${part}[`)),
  );
  if (shown.length === 0) return undefined;
  const message = `${newName} lacks settings of ${oldName}, which pods lose with the revision ${target}: ${shown.join(", ")}`;
  return { code: "shared-configmap-settings", message };
}
