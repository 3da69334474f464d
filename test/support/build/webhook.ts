import type { Webhook } from "../../../src/snapshot.ts";

/** Returns a webhook of somebody else, which is called for every pod. */
export function otherWebhook(change: Partial<Webhook> = {}): Webhook {
  return {
    configuration: "agent",
    name: "agent.example.com",
    tag: undefined,
    service: undefined,
    url: "https://agent.example.com",
    namespaceSelector: {},
    objectSelector: {},
    failurePolicy: "Fail",
    hasMatchConditions: false,
    trusted: true,
    ...change,
  };
}
