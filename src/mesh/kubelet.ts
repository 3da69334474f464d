import { parse } from "semver";

/**
 * The first kubelet that replaces a running sidecar whose image was changed: older ones do nothing.
 * Source: kubernetes/kubernetes#126525, in `pkg/kubelet/kuberuntime/kuberuntime_container.go` from
 * v1.32.0 on ("Restart running sidecar containers which have had their definition changed").
 */
const FIRST = { major: 1, minor: 32 };

/** @param version as a node reports it, such as `v1.33.2` or `v1.32.0-eks-1a2b3c`. */
export function replacesSidecars(version: string): boolean {
  const parsed = parse(version.replace(/^v/, ""));
  if (parsed === null) return false;
  const { major, minor, prerelease } = parsed;
  if (major !== FIRST.major) return major > FIRST.major;
  // A pre-release of 1.32 may lack it. Vendors add a suffix of their own.
  const isEarly = /^(?:alpha|beta|rc)$/.test(String(prerelease[0] ?? ""));
  return minor > FIRST.minor || (minor === FIRST.minor && !isEarly);
}
