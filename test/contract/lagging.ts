import { deployment } from "../support/manifests.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import { RESTARTED_AT, type Sandbox, untilReady } from "./sandbox.ts";

/** A revision whose image is moved. */
export interface MovedRevision {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Creates a namespace whose Deployments, of two pods each, are all outdated.
 *
 * @param readyAfter the time until a pod is ready, such as `2s`.
 */
export async function createLagging(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  { name: revision, from, to }: MovedRevision,
  names: readonly string[],
  readyAfter = "0s",
): Promise<Sandbox> {
  await cluster.installRevision({ name: revision, image: from });
  await cluster.moveImage(revision, from);
  const sandbox = await enter({ "istio.io/rev": revision });
  const annotations = { [POD_BEHAVIOUR.readyAfter]: readyAfter };
  for (const name of names) {
    await sandbox.create("deployments", deployment(name, { replicas: 2, annotations }));
  }
  await untilReady(sandbox, 2 * names.length);
  await cluster.moveImage(revision, to);
  return sandbox;
}

/** Returns which of these Deployments were restarted, by what is stored in the cluster. */
export async function restartedAmong(
  sandbox: Sandbox,
  names: readonly string[],
): Promise<readonly string[]> {
  const found = await Promise.all(
    names.map(async (name) => {
      const { spec } = await sandbox.get("deployments", name);
      return spec.template.metadata.annotations?.[RESTARTED_AT] === undefined ? [] : [name];
    }),
  );
  return found.flat();
}
