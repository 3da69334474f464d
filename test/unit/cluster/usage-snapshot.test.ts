import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/http/api-error.ts";
import type { Api } from "../../../src/http/api.ts";
import type { ResponseObject } from "../../../src/http/request.ts";
import { readUsageSnapshot } from "../../../src/cluster/usage-snapshot.ts";
import { respondingApi } from "../../support/build/scripted-api.ts";

const NAME = "gateway.networking.k8s.io";
const GROUP = `/apis/${NAME}`;

function groups(...served: object[]): ResponseObject {
  return { kind: "APIGroupList", groups: [{ name: "apps" }, ...served] };
}

/** A cluster that is empty except for these answers. */
function clusterWith(answers: Readonly<Record<string, ResponseObject | ApiError>>): Api {
  return respondingApi(({ path, kind }) => answers[path] ?? { kind, items: [] });
}

function refusal(status: number, message: string): ApiError {
  return new ApiError(message, { status, reason: "" });
}

describe("Gateways", () => {
  test("are empty if their API group is not installed", async () => {
    const api = clusterWith({ "/apis": groups() });
    expect(await readUsageSnapshot(api, "istio-system")).toMatchObject({ gateways: [], gaps: [] });
  });

  test("are listed in the version that the server prefers", async () => {
    const items = [{ metadata: { namespace: "shop", name: "public", labels: { a: "b" } } }];
    const api = clusterWith({
      "/apis": groups({ name: NAME, preferredVersion: { version: "v1beta1" } }),
      [`${GROUP}/v1beta1/gateways`]: { kind: "PartialObjectMetadataList", items },
    });
    expect((await readUsageSnapshot(api, "istio-system")).gateways).toEqual([
      { namespace: "shop", name: "public", labels: { a: "b" } },
    ]);
  });

  test.each([
    ["a 404 from a proxy", refusal(404, "404 page not found")],
    ["a list without groups", { kind: "APIGroupList" }],
  ])("are a gap after %s", async (_what, answer) => {
    const { gateways, gaps } = await readUsageSnapshot(
      clusterWith({ "/apis": answer }),
      "istio-system",
    );
    expect(gateways).toBeUndefined();
    expect(gaps).toMatchObject([{ verb: "list", resource: "gateways.gateway.networking.k8s.io" }]);
  });

  test("are a gap if the user is not allowed to list them", async () => {
    const api = clusterWith({
      "/apis": groups({ name: NAME, preferredVersion: { version: "v1" } }),
      [`${GROUP}/v1/gateways`]: refusal(403, 'User "jane" cannot list resource "gateways" in ...'),
    });
    const { gateways, gaps } = await readUsageSnapshot(api, "istio-system");
    expect(gateways).toBeUndefined();
    expect(gaps).toMatchObject([
      { verb: "list", resource: "gateways.gateway.networking.k8s.io", reason: "forbidden" },
    ]);
  });
});

test("CronJobs have the template of their next run", async () => {
  const template = {
    metadata: { labels: { "istio.io/rev": "asm-1-27" } },
    spec: { containers: [{ name: "app", image: "a" }] },
  };
  const items = [
    {
      metadata: { namespace: "shop", name: "nightly" },
      spec: { jobTemplate: { spec: { template } } },
    },
  ];
  const api = clusterWith({
    "/apis": groups(),
    "/apis/batch/v1/cronjobs": { kind: "CronJobList", items },
  });
  expect((await readUsageSnapshot(api, "istio-system")).cronJobs).toMatchObject([
    { namespace: "shop", name: "nightly", template: { labels: { "istio.io/rev": "asm-1-27" } } },
  ]);
});
