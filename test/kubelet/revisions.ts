const PROXY = "mcr.microsoft.com/oss/v2/istio/proxyv2";

/** The revisions, each with its first image: one for each way in which Istio adds a sidecar. */
export const REVISIONS = {
  classic: { name: "asm-1-90", image: `${PROXY}:v1.90.1-1`, native: false },
  native: { name: "asm-1-91", image: `${PROXY}:v1.91.1-1`, native: true },
  /** The next image of this revision is missing in the registry. */
  unpullable: { name: "asm-1-92", image: `${PROXY}:v1.92.1-1`, native: true },
} as const;

export type Mode = keyof typeof REVISIONS;

export const MODES = ["classic", "native"] as const satisfies readonly Mode[];

/** The images of the next patch versions. */
export const UPGRADES: Readonly<Record<Mode, string>> = {
  classic: `${PROXY}:v1.90.2-1`,
  native: `${PROXY}:v1.91.2-1`,
  unpullable: `${PROXY}:v1.92.2-1`,
};
