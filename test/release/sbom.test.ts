import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { expect, inject, test } from "vitest";
import { NODE_VERSION } from "../../packaging/platforms.ts";
import { bundledPackages } from "../support/package.ts";

interface Component {
  readonly name: string;
  readonly version: string;
  readonly components?: readonly Component[];
}

const read = (name: string) => readFile(join(inject("release"), name), "utf8");

/** Returns `name version` of each component that is not in another one. */
async function componentsOf(name: string): Promise<readonly string[]> {
  const { components } = JSON.parse(await read(name)) as { components: readonly Component[] };
  return components.map((one) => `${one.name} ${one.version}`).sort();
}

/** Returns the same for the packages that are published with their licences. */
async function published(): Promise<readonly string[]> {
  const dist = new URL("../../dist/THIRD-PARTY-LICENSES", import.meta.url);
  const packages = bundledPackages(await readFile(dist, "utf8"));
  return packages.map(({ name, version }) => `${name} ${version}`).sort();
}

const SBOMS = ["istio-upgrade", "istio-upgrade-programs", "istio-upgrade-image"];

test.each(SBOMS)("%s.cdx.json is valid CycloneDX", async (name) => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await validator.validate(await read(`${name}.cdx.json`))).toBeNull();
});

test("the SBOM of the npm package lists exactly the packages with a published licence", async () => {
  expect(await componentsOf("istio-upgrade.cdx.json")).toEqual(await published());
});

test("the SBOM of the programs also lists Node, and the libraries in it", async () => {
  const components = await componentsOf("istio-upgrade-programs.cdx.json");
  expect(components).toEqual([...(await published()), `node ${NODE_VERSION}`].sort());
  expect(await read("istio-upgrade-programs.cdx.json")).toMatch(
    /"pkg:generic\/openssl@3\.\d+\.\d+"/,
  );
});

test("the SBOM of the image also lists the packages of Debian", async () => {
  const components = await componentsOf("istio-upgrade-image.cdx.json");
  const programs = await componentsOf("istio-upgrade-programs.cdx.json");
  const others = components
    .filter((one) => !programs.includes(one))
    .map((one) => one.split(" ")[0]);
  expect(others).toEqual([
    "ca-certificates",
    expect.stringMatching(/^gcc-\d+-base$/),
    "libc6",
    "libgcc-s1",
    "libstdc++6",
  ]);
});
