import { expect, test } from "vitest";
import { listEvents, listPodWarnings } from "../../../src/cluster/events.ts";
import { scriptedApi } from "../../support/build/scripted-api.ts";

test("the Events of this program explain nothing about pods", async () => {
  const event = (uid: string, reportingComponent: string) => ({
    involvedObject: { uid: "uid-bare" },
    metadata: { uid, creationTimestamp: "2026-11-22T20:00:05Z" },
    reportingComponent,
    type: "Warning",
  });
  const items = [event("a", "istio-upgrade"), event("b", "kubelet")];
  const api = scriptedApi([{ kind: "EventList", metadata: {}, items }]);
  expect((await listPodWarnings(api, "shop")).map(({ uid }) => uid)).toEqual(["b"]);
});

test("events are sorted with the newest last, and have another id when they occur again", async () => {
  const event = (uid: string, count: number, lastTimestamp: string | null) => ({
    involvedObject: { uid: "uid-web" },
    metadata: { uid, creationTimestamp: "2026-11-22T20:00:05Z" },
    reason: "FailedCreate",
    message: `message ${uid}`,
    count,
    lastTimestamp,
    eventTime: null,
  });
  const api = scriptedApi([
    {
      kind: "EventList",
      metadata: {},
      items: [
        event("c", 3, "2026-11-22T20:00:09Z"),
        event("a", 1, "2026-11-22T20:00:01Z"),
        event("b", 2, null),
      ],
    },
  ]);
  const events = await listEvents(api, "shop", "uid-web", "FailedCreate");
  expect(events.map(({ id }) => id)).toEqual(["a 1", "b 2", "c 3"]);
  expect(api.requests).toMatchObject([
    {
      path: "/api/v1/namespaces/shop/events",
      query: { fieldSelector: "involvedObject.uid=uid-web,reason=FailedCreate" },
    },
  ]);
});
