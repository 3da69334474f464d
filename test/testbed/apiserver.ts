import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { connectApi } from "./api.ts";
import { startChild, waitUntil, type Child } from "./child.ts";
import { SILENT_USERS, writeIdentities, type Identities } from "./identities.ts";

export interface ApiServer {
  readonly child: Child;
  readonly server: string;
  /** The API server's self-signed certificate, in PEM. */
  readonly ca: string;
  readonly caFile: string;
  readonly serviceAccountKey: string;
  readonly auditLog: string;
  readonly identities: Identities;
}

/** Starts the API server and resolves once it is ready. `etcdPort` need not respond yet. */
export async function startApiServer(
  folder: string,
  program: string,
  ports: { readonly api: number; readonly etcd: number },
  webhookSocket: string,
): Promise<ApiServer> {
  const file = (name: string) => join(folder, "apiserver", name);
  const identities = await writeIdentities(file("tokens.csv"));
  await writeFile(file("service-account.key"), newKey(), { mode: 0o600 });
  await writeFile(file("audit-policy.yaml"), stringify(AUDIT_POLICY));
  await writeFile(file("egress.yaml"), stringify(egress(webhookSocket)));
  const child = startChild(folder, "kube-apiserver", program, [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${ports.api}`,
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    `--cert-dir=${file("certificates")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${file("service-account.key")}`,
    `--service-account-signing-key-file=${file("service-account.key")}`,
    "--authorization-mode=RBAC",
    `--token-auth-file=${file("tokens.csv")}`,
    "--service-cluster-ip-range=10.0.0.0/16",
    "--allow-privileged",
    `--egress-selector-config-file=${file("egress.yaml")}`,
    `--audit-policy-file=${file("audit-policy.yaml")}`,
    `--audit-log-path=${file("audit.log")}`,
  ]);
  const server = `https://127.0.0.1:${ports.api}`;
  const caFile = join(file("certificates"), "apiserver.crt");
  let ca = "";
  await waitUntil(
    "the API server",
    async () => {
      ca = await readFile(caFile, "utf8");
      return isReady(server, ca, identities.bed);
    },
    child,
  );
  return {
    child,
    server,
    ca,
    caFile,
    identities,
    serviceAccountKey: file("service-account.key"),
    auditLog: file("audit.log"),
  };
}

async function isReady(server: string, ca: string, token: string): Promise<boolean> {
  const api = connectApi(server, ca, token, "istio-upgrade-testbed");
  const { status } = await api.request("GET", "/readyz").finally(api.close);
  return status === 200;
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "sec1", format: "pem" }).toString();
}

const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "None", users: ["system:apiserver", ...SILENT_USERS] }, { level: "Metadata" }],
};

/**
 * Webhooks name a Service, whose address does not exist here. The API server reaches them through
 * our tunnel.
 */
function egress(socket: string): unknown {
  return {
    apiVersion: "apiserver.k8s.io/v1beta1",
    kind: "EgressSelectorConfiguration",
    egressSelections: [
      {
        name: "cluster",
        connection: { proxyProtocol: "HTTPConnect", transport: { uds: { udsName: socket } } },
      },
    ],
  };
}
