/** Returns the seconds of a duration in ISO 8601 such as `P8DT4H`. Independent of the program. */
export function secondsOf(duration: string): number {
  const parts = [...duration.matchAll(/(\d+)([DHMS])/g)];
  const size: Readonly<Record<string, number>> = { D: 86_400, H: 3600, M: 60, S: 1 };
  return parts.reduce(
    (sum, [, number, unit = ""]) => sum + Number(number) * (size[unit] ?? NaN),
    0,
  );
}

/** Returns a value of a document without the ages, which differ between two reports. */
export function withoutAges<Value>(value: Value): Value {
  const text = JSON.stringify(value, (key, inner: unknown) =>
    key === "outdatedFor" || key === "oldest" ? undefined : inner,
  );
  return JSON.parse(text) as Value;
}
