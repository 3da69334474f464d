/**
 * A number as Go's `%v` prints it, for Helm hands JSON numbers to istiod as `float64`: the tag
 * `1.30` becomes `1.3`, and `20240626` becomes `2.0240626e+07`.
 * Rule: Go's `strconv.FormatFloat(f, 'g', -1, 64)`: an exponent below -4, or from 6 on.
 */
export function formatGoNumber(value: number): string {
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
