import type { Answer, TestCluster } from "../support/test-cluster.ts";
import type { Sandbox } from "./sandbox.ts";

/** The type and the reason of an Event about a workload, such as `Deployment/web Normal SidecarRestart`. */
export type EventNotes = Readonly<Record<string, string>>;

/** Returns the Events that the program wrote in a namespace, in the order of their times. */
export async function eventsIn(
  cluster: TestCluster,
  sandbox: Sandbox,
): Promise<readonly Answer["body"][]> {
  const path = `/apis/events.k8s.io/v1/namespaces/${sandbox.name}/events`;
  const { status, body } = await cluster.request("GET", path);
  if (status !== 200) throw new Error(`could not list the events: ${status}`);
  return body.items
    .filter((event: Answer["body"]) => event.reportingController === "istio-upgrade")
    .sort((one: Answer["body"], other: Answer["body"]) =>
      one.eventTime < other.eventTime ? -1 : 1,
    );
}

/** Returns their notes, by workload, type and reason, sorted. The namespace has a fixed name in them. */
export async function notesIn(cluster: TestCluster, sandbox: Sandbox): Promise<EventNotes> {
  const events = await eventsIn(cluster, sandbox);
  const notes = events.map(
    ({ regarding: { kind, name }, type, reason, note }): [string, string] => [
      `${kind}/${name} ${type} ${reason}`,
      note.replaceAll(sandbox.name, "NAMESPACE"),
    ],
  );
  return Object.fromEntries(notes.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
