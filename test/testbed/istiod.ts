import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startChild, waitUntil, type Child } from "./child.ts";
import { freePorts } from "./ports.ts";

export interface Istiod {
  readonly child: Child;
  /** The port of the webhook. */
  readonly httpsPort: number;
}

export interface IstiodOptions {
  readonly revision: string;
  /** The namespace of the control plane. */
  readonly namespace: string;
  readonly native: boolean;
  readonly kubeconfig: string;
  /**
   * The name of the MutatingWebhookConfiguration into which istiod writes its certificate
   * authority.
   */
  readonly webhookConfiguration: string;
}

/** Starts the control plane of a revision and resolves once it reports that it is ready. */
export async function startIstiod(
  folder: string,
  program: string,
  { revision, namespace, native, kubeconfig, webhookConfiguration }: IstiodOptions,
): Promise<Istiod> {
  const ports = await freePorts(5);
  const [https, http, grpc, secureGrpc, monitoring] = ports.map((port) => `127.0.0.1:${port}`);
  const name = `istiod-${revision}`;
  const cwd = join(folder, name);
  mkdirSync(cwd, { recursive: true });
  const args = [
    "discovery",
    `--kubeconfig=${kubeconfig}`,
    "--ctrlz_port=0",
    `--httpsAddr=${https}`,
    `--httpAddr=${http}`,
    `--grpcAddr=${grpc}`,
    `--secureGRPCAddr=${secureGrpc}`,
    `--monitoringAddr=${monitoring}`,
  ];
  const env = {
    REVISION: revision,
    POD_NAMESPACE: namespace,
    POD_NAME: name,
    SERVICE_ACCOUNT: name,
    CLUSTER_ID: "Kubernetes",
    INJECT_ENABLED: "true",
    INJECTION_WEBHOOK_CONFIG_NAME: webhookConfiguration,
    ENABLE_NATIVE_SIDECARS: String(native),
    PILOT_CERT_PROVIDER: "istiod",
    // Some tests define only one type of the Gateway API, and istiod would wait for the others forever.
    PILOT_ENABLE_GATEWAY_API: "false",
  };
  const child = startChild(folder, name, program, args, { env, cwd });
  await waitUntil(name, async () => (await fetch(`http://${http}/ready`)).ok, child);
  return { child, httpsPort: ports[0] ?? 0 };
}
