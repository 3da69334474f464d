/** Whether a parsed value is an object, as against a list, a scalar or nothing. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
