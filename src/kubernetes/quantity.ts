const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/;

/**
 * Parses a quantity: `250m` is 0.25, and `1.5Gi` a number of bytes. The parser of client-node throws
 * an error for a fraction with a unit.
 * Source: k8s.io/apimachinery `pkg/api/resource/quantity.go`.
 *
 * @returns `undefined` for a text that is not a quantity.
 */
export function readQuantity(text: string): number | undefined {
  const [, number, unit] = QUANTITY.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Number(number) * (unit === undefined ? 1 : (UNITS[unit] ?? NaN));
}
