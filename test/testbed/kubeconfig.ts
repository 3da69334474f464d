import { writeFile } from "node:fs/promises";
import { stringify } from "yaml";

/** Writes a kubeconfig with the context `test` that only its owner can read. */
export async function writeKubeconfig(
  path: string,
  server: string,
  ca: string,
  token: string,
): Promise<void> {
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "test",
        cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") },
      },
    ],
    users: [{ name: "test", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: "default" } }],
    "current-context": "test",
  };
  await writeFile(path, stringify(kubeconfig), { mode: 0o600 });
}
