/** The formats of `--report-file`. */
export type FileFormat = "json" | "html" | "prometheus";

/** Returns the format of a report file, which is that of its name: JSON without another one. */
export function formatOfFile(file: string): FileFormat {
  if (/\.html$/i.test(file)) return "html";
  return /\.prom$/i.test(file) ? "prometheus" : "json";
}
