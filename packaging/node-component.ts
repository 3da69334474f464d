import type { OtherComponent } from "./sbom.ts";

/** Entries of `process.versions` that are no libraries: Node itself, its interfaces, and data. */
const NO_LIBRARIES = new Set(["node", "modules", "napi", "cldr", "tz", "unicode"]);

/** Libraries of Node whose vulnerabilities scanners find by another name. */
const VENDORS: Readonly<Record<string, string>> = {
  openssl: "openssl:openssl",
  nghttp2: "nghttp2:nghttp2",
  sqlite: "sqlite:sqlite",
  ares: "c-ares:c-ares",
};

/**
 * Returns Node as a component, with its libraries.
 *
 * @param libraries `process.versions` of that Node.
 */
export function nodeComponent(node: {
  readonly version: string;
  readonly libraries: Readonly<Record<string, string>>;
}): OtherComponent {
  const contains = Object.entries(node.libraries)
    .filter(([name]) => !NO_LIBRARIES.has(name))
    .map(([name, version]) => {
      const vendor = VENDORS[name];
      return {
        name,
        version,
        purl: `pkg:generic/${name}@${version}`,
        ...(vendor !== undefined && { cpe: cpe(vendor, version) }),
      };
    });
  return {
    name: "node",
    version: node.version,
    purl: `pkg:generic/node@${node.version}`,
    cpe: cpe("nodejs:node.js", node.version),
    license: "MIT",
    contains,
  };
}

function cpe(product: string, version: string): `cpe:2.3:${string}` {
  return `cpe:2.3:a:${product}:${version}:*:*:*:*:*:*:*`;
}
