import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Age } from "../../../src/mesh/age.ts";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { assess } from "../../../src/mesh/assessment.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { withAges } from "../../../src/mesh/outdated-since.ts";
import type { DryRun, IstiodRelease, PodGroup, Workload } from "../../../src/snapshot.ts";
import { controlPlane, type ControlPlaneOptions } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const [OLD, TARGET] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const pilot = (tag: string) => `mcr.microsoft.com/oss/v2/istio/pilot:${tag}`;

// The times in the order of the events.
const CREATED = "2026-10-28T12:00:01Z";
const FIRST_PATCH = "2026-11-20T12:00:02Z";
const SECOND_PATCH = "2026-11-27T12:00:03Z";
const NOW = "2026-11-28T12:00:10Z";

/** Returns the seconds from a time until now. */
function secondsSince(time: string): number {
  return (Date.parse(NOW) - Date.parse(time)) / 1000;
}

const SINCE_CREATION = secondsSince(CREATED);

function release(tag: string, createdAt: string, ...rollouts: readonly number[]): IstiodRelease {
  return { revision: "asm-1-27", image: pilot(tag), createdAt, rollouts };
}

/** Two patches: one to 1.27.8, and one to the target. */
const PATCHES = [
  release("v1.27.7-1", "2026-10-01T00:00:00Z", 1),
  release("v1.27.8-1", FIRST_PATCH, 2),
  release("v1.27.9-6", SECOND_PATCH, 3),
];

interface World extends Partial<ControlPlaneOptions> {
  readonly releases?: readonly IstiodRelease[];
  readonly rev?: string;
  readonly dryRun?: DryRun;
}

const REVISION = {
  name: "asm-1-27",
  values: { image: TARGET },
  istiodImage: pilot("v1.27.9-6"),
};

function assessed(workload: Workload, world: World = {}): Assessment {
  const { releases = PATCHES, rev = "asm-1-27", dryRun, ...plane } = world;
  const mesh = resolveMesh(
    controlPlane({
      revisions: [REVISION],
      changedAt: SECOND_PATCH,
      readAt: NOW,
      ...plane,
    }),
  );
  const policy = { ...NO_CONSENT, excludes: () => undefined };
  const found = assess(workload, namespace("shop", { rev }), mesh, policy, { dryRun });
  if (found === undefined) throw new Error("outside the mesh");
  return withAges(found, mesh, releases);
}

/** Returns the age of a Deployment with these pods. */
function ageOf(pods: readonly PodGroup[], world: World = {}): Age | undefined {
  return assessed(deployment("web", { namespace: "shop", pods }), world).outdatedFor;
}

const lagging = sidecars(2, OLD, { oldest: CREATED });

describe("a workload is outdated", () => {
  const HUB = { ...REVISION, values: { image: "proxyv2", hub: "docker.io/istio", tag: "1.27.9" } };

  test.each<[what: string, pods: PodGroup, world: World, since: string | undefined]>([
    ["since the first patch after its version", lagging, {}, FIRST_PATCH],
    [
      "since the second patch, if it runs the first",
      sidecars(1, proxyImage("v1.27.8-1"), { oldest: "2026-11-21T00:00:00Z" }),
      {},
      SECOND_PATCH,
    ],
    [
      "since the oldest newer release that is left",
      lagging,
      { releases: PATCHES.slice(2) },
      SECOND_PATCH,
    ],
    [
      "since the build after its own",
      sidecars(1, proxyImage("v1.27.9-4"), { oldest: CREATED }),
      { releases: [release("v1.27.9-5", FIRST_PATCH), release("v1.27.9-6", SECOND_PATCH)] },
      FIRST_PATCH,
    ],
    ["since the target was set, without releases", lagging, { releases: [] }, SECOND_PATCH],
    [
      "since the target was set, if the releases are those of another revision",
      lagging,
      { releases: PATCHES.map((one) => ({ ...one, revision: "asm-1-28" })) },
      SECOND_PATCH,
    ],
    [
      "since the target was set, if istiod has another version than its sidecars",
      lagging,
      { revisions: [{ ...REVISION, istiodImage: pilot("v1.31.0") }] },
      SECOND_PATCH,
    ],
    [
      "since the target was set, if the images of istiod show no version",
      lagging,
      {
        revisions: [{ ...REVISION, istiodImage: pilot("latest") }],
        releases: [release("latest", FIRST_PATCH)],
      },
      SECOND_PATCH,
    ],
    [
      "since the rollback, if the target is older",
      sidecars(1, proxyImage("v1.27.10-1"), { oldest: CREATED }),
      {
        releases: [
          release("v1.27.9-6", "2026-10-01T00:00:00Z", 1, 3),
          release("v1.27.10-1", "2026-10-02T00:00:00Z", 2),
        ],
      },
      SECOND_PATCH,
    ],
    [
      "since the last patch, if istiod went back to its version in between",
      lagging,
      {
        releases: [
          release("v1.27.7-1", "2026-10-01T00:00:00Z", 1, 3),
          release("v1.27.8-1", FIRST_PATCH, 2),
          release("v1.27.9-6", "2026-11-27T11:00:00Z", 4),
        ],
      },
      "2026-11-27T11:00:00Z",
    ],
    [
      "since the target was set, if istiod went back and forth between two releases",
      lagging,
      {
        releases: [
          release("v1.27.7-1", "2026-10-01T00:00:00Z", 1, 3),
          release("v1.27.9-6", FIRST_PATCH, 2, 4),
        ],
      },
      SECOND_PATCH,
    ],
    [
      "since the target was set, if the pods are younger than the release",
      sidecars(1, OLD, { oldest: "2026-11-21T00:00:00Z" }),
      {},
      SECOND_PATCH,
    ],
    [
      "since an unknown time, if nothing tells when the target was set",
      lagging,
      { releases: [], changedAt: "" },
      undefined,
    ],
    [
      "since an unknown time, if the pods are younger than their target",
      sidecars(1, OLD, { oldest: "2026-11-28T00:00:00Z" }),
      {},
      undefined,
    ],
    [
      "since an unknown time, if only the registry differs",
      sidecars(1, TARGET.replace("mcr.microsoft.com", "mirror.example"), { oldest: CREATED }),
      {},
      undefined,
    ],
    [
      "since an unknown time, if only the type of the image differs",
      sidecars(1, "docker.io/istio/proxyv2:1.27.9-distroless", { oldest: CREATED }),
      { revisions: [HUB] },
      undefined,
    ],
    [
      "since the tag was set, although the type of the image differs, too",
      sidecars(1, "docker.io/istio/proxyv2:1.27.7-distroless", { oldest: CREATED }),
      { revisions: [HUB], releases: [] },
      SECOND_PATCH,
    ],
    [
      "since an unknown time, if its pods do not name their revision",
      sidecars(1, OLD, { oldest: CREATED, revision: undefined }),
      {},
      undefined,
    ],
  ])("%s", (_what, group, world, since) => {
    expect(ageOf([group], world)).toEqual({
      atLeast: since === undefined ? undefined : secondsSince(since),
      atMost: secondsSince(group.oldestPod?.createdAt ?? ""),
    });
  });

  test("since an unknown time, if a label or a tag leads to another revision now", () => {
    const revisions = [
      REVISION,
      {
        name: "asm-1-28",
        values: { image: proxyImage("v1.28.3-1") },
        istiodImage: pilot("v1.28.3-1"),
      },
    ];
    const onTarget = sidecars(1, TARGET, { oldest: CREATED });
    const world = { revisions, rev: "asm-1-28" };
    const unknown = { atLeast: undefined, atMost: SINCE_CREATION };
    expect(ageOf([onTarget], world)).toEqual(unknown);
    // Its own revision had a newer version even before.
    expect(ageOf([lagging], world)).toEqual({ ...unknown, atLeast: secondsSince(FIRST_PATCH) });
  });

  test("since an unknown time, if its template pins another image", () => {
    const annotations = { "sidecar.istio.io/proxyImage": proxyImage("v1.27.8-1") };
    const pinned = deployment("web", {
      namespace: "shop",
      template: { annotations },
      pods: [lagging],
    });
    expect(assessed(pinned)).toMatchObject({
      verdict: "outdated",
      outdatedFor: { atLeast: undefined, atMost: SINCE_CREATION },
    });
  });

  test("since an unknown time, if only a dry run shows its target", () => {
    const dryRun = { kind: "pod", image: TARGET, revision: "asm-1-27" } as const;
    const unread = { dryRun, unread: ["configMaps"] } as const;
    expect(ageOf([lagging], unread)).toEqual({ atLeast: undefined, atMost: SINCE_CREATION });
  });

  test("for as long as a dry run confirms, with the image from a mirror", () => {
    const image = TARGET.replace("mcr.microsoft.com", "mirror.example");
    const dryRun = { kind: "pod", image, revision: "asm-1-27" } as const;
    const pods = sidecars(2, OLD.replace("mcr.microsoft.com", "mirror.example"), {
      oldest: CREATED,
    });
    const age = { atLeast: secondsSince(FIRST_PATCH), atMost: SINCE_CREATION };
    expect(ageOf([pods], { dryRun })).toEqual(age);
  });
});

describe("the interval", () => {
  test("of each group of pods is its own, and the workload has that of the oldest", () => {
    const second = sidecars(1, proxyImage("v1.27.8-1"), { oldest: "2026-11-21T00:00:00Z" });
    const current = sidecars(1, TARGET, { oldest: NOW });
    const { running, outdatedFor } = assessed(
      deployment("web", { namespace: "shop", pods: [lagging, second, current, bare(1)] }),
    );
    const oldest = { atLeast: secondsSince(FIRST_PATCH), atMost: SINCE_CREATION };
    expect(running.map((group) => group.outdatedFor)).toEqual([
      oldest,
      { atLeast: secondsSince(SECOND_PATCH), atMost: secondsSince("2026-11-21T00:00:00Z") },
      undefined,
      undefined,
    ]);
    expect(outdatedFor).toEqual(oldest);
  });

  test.each<[what: string, world: World, oldest: string | undefined]>([
    ["the time of the server", { readAt: "" }, CREATED],
    ["the creation of the pods", {}, undefined],
    ["the creation of the pods, which is no time", {}, "yesterday"],
  ])("is unknown without %s", (_what, world, oldest) => {
    const pods = sidecars(1, OLD, oldest === undefined ? {} : { oldest });
    expect(ageOf([pods], world)).toEqual({ atLeast: undefined, atMost: undefined });
  });

  test.each<[what: string, changedAt: string, atLeast: number | undefined]>([
    ["of the same second is 0", NOW, 0],
    ["of an API server whose clock is a minute ahead is 0", "2026-11-28T12:01:10Z", 0],
    ["in the future is not believed", "2026-11-28T12:01:11Z", undefined],
    ["that is no time is not believed", "soon", undefined],
  ])("since a time %s", (_what, changedAt, atLeast) => {
    expect(ageOf([lagging], { changedAt, releases: [] })).toEqual({
      atLeast,
      atMost: SINCE_CREATION,
    });
  });

  test("of pods that were created after the time of the server is 0", () => {
    const pods = sidecars(1, OLD, { oldest: "2026-11-28T12:00:11Z" });
    expect(ageOf([pods])).toEqual({ atLeast: undefined, atMost: 0 });
  });

  test("is absent unless the workload is outdated", () => {
    const current = deployment("web", { namespace: "shop", pods: [sidecars(1, TARGET)] });
    expect(assessed(current)).not.toHaveProperty("outdatedFor");
    const excluded = { "istio-upgrade/exclude": "true" };
    const left = deployment("web", { namespace: "shop", annotations: excluded, pods: [lagging] });
    expect(assessed(left)).not.toHaveProperty("outdatedFor");
    expect(assessed(left).running[0]).not.toHaveProperty("outdatedFor");
  });

  test("is never negative or empty, for any times", () => {
    const time = fc
      .date({ min: new Date("2026-11-01"), max: new Date("2026-12-31"), noInvalidDate: true })
      .map((date) => `${date.toISOString().slice(0, 19)}Z`);
    const releases = fc.array(
      fc.record({
        tag: fc.constantFrom("v1.27.6-1", "v1.27.7-1", "v1.27.8-1", "v1.27.9-6"),
        createdAt: time,
        rollouts: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
      }),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(time, time, time, releases, (oldest, changedAt, readAt, found) => {
        const age = ageOf([sidecars(1, OLD, { oldest })], {
          changedAt,
          readAt,
          releases: found.map(({ tag, createdAt, rollouts }) =>
            release(tag, createdAt, ...rollouts.toSorted((a, b) => a - b)),
          ),
        });
        const { atLeast = 0, atMost = -1 } = age ?? {};
        expect(atLeast).toBeGreaterThanOrEqual(0);
        expect(atMost).toBeGreaterThanOrEqual(atLeast);
      }),
    );
  });
});
