import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "../io.ts";
import { withBrackets } from "../url-host.ts";

/** The access of a pod to the API server of its own cluster. */
export interface ServiceAccount {
  readonly server: string;
  /** The file of the token. The kubelet replaces the token long before it expires. */
  readonly tokenFile: string;
  /** The certificate authority, in PEM. Without it, the authorities of the system apply. */
  readonly ca: string | undefined;
  readonly namespace: string;
}

/** The folder into which the kubelet mounts the service account. */
export const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Returns the service account of the pod that runs this program, or `undefined` outside a pod. */
export function findServiceAccount(env: Env, folder: string): ServiceAccount | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const tokenFile = join(folder, "token");
  if (!host || !port || !existsSync(tokenFile)) return undefined;
  return {
    server: `https://${withBrackets(host)}:${port}`,
    tokenFile,
    ca: textIn(join(folder, "ca.crt")),
    namespace: env["POD_NAMESPACE"] || textIn(join(folder, "namespace"))?.trim() || "default",
  };
}

function textIn(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
