/**
 * Lists the pods in the context's namespace with `@kubernetes/client-node`, in the way that its
 * README shows. `npm run connection` compares this client with our program and with kubectl.
 */
import { parseArgs } from "node:util";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";

const { values } = parseArgs({
  options: {
    kubeconfig: { type: "string" },
    context: { type: "string" },
    as: { type: "string" },
    // client-node can impersonate a user, but no groups.
    "as-group": { type: "string", multiple: true },
  },
});

try {
  const config = new KubeConfig();
  if (values.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(values.kubeconfig);
  if (values.context !== undefined) config.setCurrentContext(values.context);
  if (values.as !== undefined) impersonate(config, values.as);
  const { namespace = "default" } = config.getContextObject(config.getCurrentContext()) ?? {};
  await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace });
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}

function impersonate(config: KubeConfig, name: string): void {
  const current = config.getCurrentUser();
  config.users = config.users.map((user) =>
    user === current ? { ...user, impersonateUser: name } : user,
  );
}
