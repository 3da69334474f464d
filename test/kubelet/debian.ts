import { debianPackages } from "../support/debian-packages.ts";

/** The programs of the container runtime. */
const PACKAGES = ["containerd", "runc", "containernetworking-plugins", "busybox-static"] as const;

/**
 * Returns a folder with the unpacked programs.
 *
 * @throws if the packages are not available.
 */
export function runtimePackages(): Promise<string> {
  return debianPackages(PACKAGES);
}
