import { load as parseYaml } from "js-yaml";
import { isObject } from "../json-object.ts";

/**
 * Lists the settings in a mesh configuration: the keys at the top, the keys of `defaultConfig`, and
 * the names of the `extensionProviders`.
 *
 * @param text YAML.
 * @returns paths such as `accessLogFile`, `defaultConfig.tracing` and `extensionProviders[otel]`;
 *   `undefined` if the text is not a YAML mapping.
 */
export function settingsIn(text: string): readonly string[] | undefined {
  let settings: unknown;
  try {
    settings = parseYaml(text) ?? {};
  } catch {
    return undefined;
  }
  if (!isObject(settings)) return undefined;
  const { defaultConfig, extensionProviders } = settings;
  const providers: readonly unknown[] = Array.isArray(extensionProviders) ? extensionProviders : [];
  return [
    ...Object.keys(settings),
    ...(isObject(defaultConfig)
      ? Object.keys(defaultConfig).map((key) => `defaultConfig.${key}`)
      : []),
    ...providers.flatMap((provider) =>
      isObject(provider) && typeof provider["name"] === "string"
        ? [`extensionProviders[${provider["name"]}]`]
        : [],
    ),
  ];
}
