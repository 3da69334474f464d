import { existsSync, readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Env } from "../io.ts";

/** What a pod is given to talk to its own cluster. */
export interface ServiceAccount {
  readonly server: string;
  /** Renewed by the kubelet long before it expires, so it is read again and again. */
  readonly tokenFile: string;
  /** PEM; without it the system's authorities count. */
  readonly ca: string | undefined;
  readonly namespace: string;
}

/** Where the kubelet puts it. */
export const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The service account of the pod that this runs in, or `undefined` outside of one. */
export function serviceAccount(env: Env, folder: string): ServiceAccount | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const tokenFile = join(folder, "token");
  if (!host || !port || !existsSync(tokenFile)) return undefined;
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    tokenFile,
    ca: textIn(join(folder, "ca.crt")),
    namespace: env["POD_NAMESPACE"] || textIn(join(folder, "namespace"))?.trim() || "default",
  };
}

function textIn(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
