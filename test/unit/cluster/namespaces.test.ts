import { expect, test } from "vitest";
import { namespaceRecord } from "../../../src/cluster/namespaces.ts";

test("a namespace without labels and annotations has empty ones", () => {
  expect(namespaceRecord({ metadata: { name: "shop" } })).toEqual({
    name: "shop",
    labels: {},
    annotations: {},
  });
});
