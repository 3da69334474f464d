import { expect, test } from "vitest";
import { mayCallOthers } from "../../../src/mesh/other-webhooks.ts";
import type { Webhook } from "../../../src/snapshot.ts";
import { namespace } from "../../support/build/namespace.ts";
import { otherWebhook } from "../../support/build/webhook.ts";

const home = namespace("shop", { rev: "asm-1-27" });

test.each<[what: string, otherWebhooks: readonly Webhook[] | undefined, expected: boolean]>([
  ["there is none", [], false],
  ["it selects everything", [otherWebhook()], true],
  [
    "it selects another namespace",
    [otherWebhook({ namespaceSelector: { matchLabels: { team: "pay" } } })],
    false,
  ],
  ["it selects the pod", [otherWebhook({ objectSelector: { matchLabels: { app: "web" } } })], true],
  [
    "it selects a label that injection adds",
    [otherWebhook({ objectSelector: { matchLabels: { mesh: "yes" } } })],
    true,
  ],
  [
    "it selects other pods",
    [otherWebhook({ objectSelector: { matchLabels: { app: "db" } } })],
    false,
  ],
  ["the webhooks are unread", undefined, true],
])("another webhook may be called: %s", (_what, otherWebhooks, expected) => {
  const labels = [{ app: "web" }, { app: "web", mesh: "yes" }];
  expect(mayCallOthers({ otherWebhooks }, home, labels)).toBe(expected);
});
