import { describe, expect, test } from "vitest";
import { type Consent, NO_CONSENT } from "../../../src/mesh/consent.ts";
import { isMoved, moveFlags } from "../../../src/mesh/revision-move.ts";
import type { PodGroup, Workload } from "../../../src/snapshot.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";

const TO = { revision: "asm-1-28", image: proxyImage("v1.28.3-2") };
const [OLDER, PATCH, NEWER] = [
  proxyImage("v1.27.9-6"),
  proxyImage("v1.28.1-1"),
  proxyImage("v1.29.1-1"),
];

describe("a restart moves pods to another revision if they", () => {
  test.each<[what: string, image: string | null, revision: string | null, moved: boolean]>([
    ["name an older one", OLDER, "asm-1-27", true],
    ["name a newer one", NEWER, "asm-1-29", true],
    ["name another one with the same image", TO.image, "canary", true],
    ["name the same one and lag by a patch", PATCH, "asm-1-28", false],
    ["name the same one and lag by a minor version", OLDER, "asm-1-28", false],
    ["name none and lag by a minor version", OLDER, null, true],
    ["name none and are ahead", NEWER, null, true],
    ["name none and lag by a patch", PATCH, null, false],
    ["name none and run an image of their own", "example.com/own:v1", null, false],
    ["have no sidecar", null, "asm-1-27", false],
  ])("%s: %s of %s", (_what, image, revision, moved) => {
    expect(isMoved({ image, revision }, TO)).toBe(moved);
    expect(isMoved({ image: image ?? undefined, revision: revision ?? undefined }, TO)).toBe(moved);
    expect(
      moveFlags(
        [
          { image: TO.image, revision: TO.revision },
          { image, revision },
        ],
        TO,
      ),
    ).toEqual(moved ? ["--allow-revision", "asm-1-28"] : []);
  });

  test("have a target", () => {
    expect(moveFlags([{ image: OLDER, revision: "asm-1-27" }], undefined)).toEqual([]);
  });
});

describe("without a person,", () => {
  const mesh = resolveMesh(
    controlPlane({
      revisions: [
        { name: "asm-1-27", values: { image: OLDER } },
        { name: "asm-1-28", values: { image: TO.image } },
      ],
      tags: { prod: "asm-1-28" },
    }),
  );
  const old = [sidecars(2, OLDER)];
  const late = [sidecars(2, PATCH, { revision: "asm-1-28" })];
  const unnamed = (image: string): PodGroup => sidecars(2, image, { revision: undefined });

  function answerFor(workload: Workload, consent: Partial<Consent>) {
    const policy = { ...NO_CONSENT, ...consent };
    const { restart } = assessmentOf(workload, { mesh, labels: { rev: "prod" }, policy });
    if (restart.answer === "yes") return ["yes"];
    const { code, nextStep } = restart.finding;
    return [`${restart.answer} ${code}`, formatStep(nextStep)];
  }

  const command = "istio-upgrade restart deployment/web --namespace shop";
  const allowed = `${command} --allow-revision asm-1-28`;

  test.each<[what: string, workload: Workload, consent: Partial<Consent>, answer: string[]]>([
    [
      "a Deployment is not moved",
      deployment("web", { pods: old }),
      {},
      ["refused revision-not-allowed", allowed],
    ],
    [
      "a DaemonSet is not moved",
      daemonSet("agent", { pods: old }),
      {},
      [
        "refused revision-not-allowed",
        "istio-upgrade restart daemonset/agent --namespace shop --allow-revision asm-1-28",
      ],
    ],
    [
      "an Argo Rollout is not moved",
      argoRollout("web", { pods: old }),
      {},
      [
        "refused revision-not-allowed",
        "istio-upgrade restart rollout/web --namespace shop --allow-revision asm-1-28",
      ],
    ],
    [
      "a downgrade is left out",
      deployment("web", { pods: [sidecars(2, NEWER, { revision: "asm-1-29" })] }),
      {},
      ["refused revision-not-allowed", allowed],
    ],
    [
      "a workload is left out if only some of its pods would move",
      deployment("web", { pods: [...late, ...old] }),
      {},
      ["refused revision-not-allowed", allowed],
    ],
    [
      "pods that name no revision do not get another minor version",
      deployment("web", { pods: [unnamed(OLDER)] }),
      {},
      ["refused revision-not-allowed", allowed],
    ],
    [
      "pods that name no revision get a patch",
      deployment("web", { pods: [unnamed(PATCH)] }),
      {},
      ["yes"],
    ],
    ["a patch is restarted", deployment("web", { pods: late }), {}, ["yes"]],
    [
      "an allowed revision is restarted",
      deployment("web", { pods: old }),
      { revisions: ["asm-1-28"] },
      ["yes"],
    ],
    [
      "another allowed revision is not enough",
      deployment("web", { pods: old }),
      { revisions: ["asm-1-27"] },
      ["refused revision-not-allowed", allowed],
    ],
    [
      "the name of the tag is not enough",
      deployment("web", { pods: old }),
      { revisions: ["prod"] },
      ["refused revision-not-allowed", allowed],
    ],
    [
      "a person who is asked decides",
      deployment("web", { pods: old }),
      { revisions: "asked" },
      ["yes"],
    ],
    [
      "the command includes the other consents",
      statefulSet("db", { pods: [sidecars(1, OLDER)] }),
      {},
      [
        "refused single-replica-statefulset",
        "istio-upgrade restart statefulset/db --namespace shop --allow-downtime --allow-revision asm-1-28",
      ],
    ],
    [
      "the command keeps the other consents",
      statefulSet("db", { pods: [sidecars(1, OLDER)] }),
      { downtime: true, current: true },
      [
        "refused revision-not-allowed",
        "istio-upgrade restart statefulset/db --namespace shop --include current --allow-downtime --allow-revision asm-1-28",
      ],
    ],
    [
      "a missing sidecar is no move",
      deployment("web", { pods: [bare(2)] }),
      { missing: true },
      ["yes"],
    ],
    [
      "what is to be done by hand stays by hand",
      deployment("web", { pods: old, rollout: { paused: true } }),
      {},
      ["refused paused", "kubectl rollout resume deployment/web -n shop"],
    ],
  ])("%s", (_what, workload, consent, answer) => {
    expect(answerFor(workload, { revisions: [], ...consent })).toEqual(answer);
  });

  test("the reason names both revisions", () => {
    const web = deployment("web", { pods: [...old, ...late, unnamed(NEWER)] });
    const policy = { ...NO_CONSENT, revisions: [] };
    expect(assessmentOf(web, { mesh, labels: { rev: "prod" }, policy }).restart).toMatchObject({
      finding: {
        reason:
          "a restart would move 4 pods from asm-1-27 and a revision that they do not name to asm-1-28, and --allow-revision does not name asm-1-28",
      },
    });
  });

  test("a revision that loses the shared ConfigMap stays refused for that, even if it is allowed", () => {
    const configMaps = {
      "istio-shared-configmap-asm-1-27": { mesh: "accessLogFile: /dev/stdout" },
    };
    const lost = resolveMesh(
      controlPlane({
        revisions: [
          { name: "asm-1-27", values: { image: OLDER } },
          { name: "asm-1-28", values: { image: TO.image } },
        ],
        configMaps,
      }),
    );
    const answers = [[], ["asm-1-28"]].map((revisions) => {
      const policy = { ...NO_CONSENT, revisions };
      const web = deployment("web", { pods: old });
      return assessmentOf(web, { mesh: lost, labels: { rev: "asm-1-28" }, policy }).restart;
    });
    expect(answers[0]).toMatchObject({ answer: "refused" });
    expect(answers[0]).not.toHaveProperty("finding.code", "revision-not-allowed");
    expect(answers[1]).toEqual(answers[0]);
  });
});
