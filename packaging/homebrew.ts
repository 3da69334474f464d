import type { Archive, Archives } from "./krew.ts";

/**
 * Returns the formula for Homebrew.
 *
 * @see https://docs.brew.sh/Formula-Cookbook
 */
export function homebrewFormula({ version, url, archives }: Archives): string {
  const source = (os: string, arch: string) => {
    const found = archives.find(({ platform: { go } }) => go.os === os && go.arch === arch);
    return found === undefined ? "" : sourceLines(url, found);
  };
  return `class IstioUpgrade < Formula
  desc "Restart workloads with outdated Istio sidecars, and prove the result"
  version "${version}"
  license "Apache-2.0"

  on_macos do
    depends_on arch: :arm64
${source("darwin", "arm64")}  end

  on_linux do
    on_intel do
${source("linux", "amd64")}    end
    on_arm do
${source("linux", "arm64")}    end
  end

  def install
    bin.install "istio-upgrade", "kubectl_complete-istio_upgrade"
    bin.install_symlink "istio-upgrade" => "kubectl-istio_upgrade"
    generate_completions_from_executable(bin/"istio-upgrade", "completion")
  end

  test do
    assert_equal version.to_s, shell_output("#{bin}/istio-upgrade --version").strip
  end
end
`;
}

function sourceLines(url: string, { name, sha256, platform }: Archive): string {
  const indent = platform.go.os === "darwin" ? "    " : "      ";
  return `${indent}url "${url}${name}"\n${indent}sha256 "${sha256}"\n`;
}
