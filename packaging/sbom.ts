import { Enums, Models, Serialize, SPDX, Spec } from "@cyclonedx/cyclonedx-library";
import type { BundledPackage } from "./licences.ts";

const spec = Spec.Spec1dot6;

/** Software that is part of an artifact of the release, but no npm package. */
export interface OtherComponent {
  readonly name: string;
  readonly version: string;
  /** A package URL. */
  readonly purl: string;
  readonly cpe?: `cpe:2.3:${string}`;
  readonly license?: string;
  /** The libraries that it contains. */
  readonly contains?: readonly OtherComponent[];
}

/** The subject of an SBOM, and its components. */
export interface SbomSubject {
  readonly version: string;
  readonly time: Date;
  readonly packages: readonly BundledPackage[];
  readonly others: readonly OtherComponent[];
}

/**
 * Returns an SBOM in CycloneDX JSON. It lists what is in the artifact: `npm sbom` would list nothing,
 * because the bundled packages are development dependencies.
 */
export function createSbom({ version, time, packages, others }: SbomSubject): string {
  const subject = new Models.Component(Enums.ComponentType.Application, "istio-upgrade", {
    bomRef: `pkg:npm/istio-upgrade@${version}`,
    purl: `pkg:npm/istio-upgrade@${version}`,
    version,
    licenses: new Models.LicenseRepository([licenseOf("Apache-2.0")]),
  });
  const named = new Map(packages.map((one) => [`${one.name}@${one.version}`, one]));
  const components = [...[...named.values()].map(packageComponent), ...others.map(otherComponent)];
  for (const { bomRef } of components) subject.dependencies.add(bomRef);
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: subject, timestamp: time }),
    components: new Models.ComponentRepository(components),
  });
  const factory = new Serialize.JSON.Normalize.Factory(spec);
  const text = new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 });
  return `${text}\n`;
}

function packageComponent({ name, version, license }: BundledPackage): Models.Component {
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return component({ name, version, purl, ...(license !== undefined && { license }) });
}

function otherComponent({ contains = [], ...own }: OtherComponent): Models.Component {
  const outer = component(own);
  for (const inner of contains) outer.components.add(otherComponent(inner));
  return outer;
}

function component({ name, version, purl, cpe, license }: OtherComponent): Models.Component {
  const made = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: purl,
    purl,
    version,
    ...(cpe !== undefined && { cpe }),
  });
  if (license !== undefined) made.licenses.add(licenseOf(license));
  return made;
}

function licenseOf(license: string): Models.License {
  return SPDX.isSupportedSpdxId(license)
    ? new Models.SpdxLicense(license)
    : new Models.LicenseExpression(license);
}
