/**
 * Returns the scripts of a pipeline in the order in which they run: `run` of a step on GitHub, `bash` of a
 * step on Azure.
 *
 * @param pipeline parsed YAML.
 */
export function pipelineScripts(pipeline: unknown): readonly string[] {
  if (typeof pipeline !== "object" || pipeline === null) return [];
  return Object.entries(pipeline).flatMap(([name, value]: readonly [string, unknown]) =>
    (name === "run" || name === "bash") && typeof value === "string"
      ? [value]
      : pipelineScripts(value),
  );
}
