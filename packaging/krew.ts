import { stringify } from "yaml";
import { type Platform, programName } from "./platforms.ts";

/** An archive of the release. */
export interface Archive {
  readonly platform: Platform;
  /** The name of its file. */
  readonly name: string;
  readonly sha256: string;
}

/** The archives of a version, and the folder from which users download them. */
export interface Archives {
  readonly version: string;
  /** A URL that ends with a slash. */
  readonly url: string;
  readonly archives: readonly Archive[];
}

/**
 * Returns the manifest for krew, the plugin manager of kubectl.
 *
 * @see https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
 */
export function krewManifest({ version, url, archives }: Archives): string {
  return stringify(
    {
      apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
      kind: "Plugin",
      metadata: { name: "istio-upgrade" },
      spec: {
        version: `v${version}`,
        shortDescription: "Restart workloads with outdated Istio sidecars",
        description:
          "Finds pods that run an outdated Istio sidecar, restarts their workloads at a safe pace, and\nproves the result.\n",
        platforms: archives.map(({ platform, name, sha256 }) => ({
          selector: { matchLabels: platform.go },
          uri: url + name,
          sha256,
          bin: programName(platform),
        })),
      },
    },
    { lineWidth: 0 },
  );
}
