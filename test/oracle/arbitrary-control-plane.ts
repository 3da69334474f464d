import { type Arbitrary, array, constant, constantFrom, record, tuple } from "fast-check";
import { compact, likely, oneOf, sometimes, unlikely } from "./chance.ts";
import {
  type Image,
  type ControlPlane,
  type Revision,
  type RevisionName,
  REVISIONS,
  type Selector,
  type World,
} from "./world.ts";

/** The control plane in each step. */
export function controlPlanes(): Arbitrary<Pick<World, "before" | "now">> {
  return tuple(controlPlane("before"), controlPlane("now"), changes()).map(
    ([before, other, changed]) => ({
      before,
      now: mix(before, other, changed),
    }),
  );
}

/** The parts that change between the steps. Most stay, so that pods of the first step are outdated, not lost. */
const changes = () => record({ revisions: array(sometimes(2)), tags: sometimes(3) });

function mix(
  before: ControlPlane,
  other: ControlPlane,
  changed: { revisions: boolean[]; tags: boolean },
): ControlPlane {
  const revisions: Partial<Record<RevisionName, Revision>> = {};
  for (const [index, name] of REVISIONS.entries()) {
    const from = changed.revisions[index] === false ? before : other;
    const chosen = from.revisions[name];
    if (chosen !== undefined) revisions[name] = chosen;
  }
  return withoutConflict({
    revisions,
    tags: (changed.tags ? other.tags : before.tags) ?? {},
  });
}

function controlPlane(step: "before" | "now"): Arbitrary<ControlPlane> {
  return tuple(
    compact<ControlPlane["revisions"]>({
      "asm-1-27": likely(6, revision(step)),
      "asm-1-28": likely(6, revision(step)),
      default: unlikely(5, revision(step)),
      "other-mesh": unlikely(4, revision(step)),
    }),
    compact<NonNullable<ControlPlane["tags"]>>({
      prod: likely(5, constantFrom("asm-1-27", "asm-1-28")),
      default: unlikely(4, constantFrom("asm-1-27", "asm-1-28")),
    }),
  ).map(([revisions, tags]) => withoutConflict({ revisions, tags }));
}

/** Drops the tag `default` if there is a revision of that name: the tag disables the revision permanently. */
function withoutConflict({ revisions, tags = {} }: ControlPlane): ControlPlane {
  const { default: _tag, ...others } = tags;
  return {
    revisions,
    tags: "default" in revisions ? others : tags,
  };
}

/** In the first step, few settings prevent injection, so that pods run that can be outdated. */
function revision(step: "before" | "now"): Arbitrary<Revision> {
  return compact<Revision>({
    image: image(),
    policy: unlikely(step === "now" ? 12 : 20, constantFrom("disabled", "disabled", "on", "")),
    neverInjectSelector: unlikely(step === "now" ? 8 : 12, selectors()),
    alwaysInjectSelector: unlikely(5, selectors()),
    outage: unlikely(step === "now" ? 8 : 30, constantFrom("no-service", "no-pods")),
    failurePolicy: unlikely(3, constant("Ignore")),
    matchConditions: unlikely(20, constant(true)),
    template: unlikely(20, constant("foreign")),
    custom: likely(4, constantFrom("containers", "initContainers")),
  });
}

function image(): Arbitrary<Image> {
  const complete = constantFrom(
    "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1",
    "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6",
    "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.28.3-2",
    "mcr.microsoft.com/oss/istio/proxyv2:1.22.1-hotfix.20240626",
    "registry:5000/istio/proxyv2:1.2.3-distroless",
    "registry:5000/istio/proxyv2@sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
  );
  const parts = compact<Exclude<Image, string>>({
    hub: constantFrom("docker.io/istio", "registry:5000/istio"),
    name: constantFrom("proxyv2", "", "proxyv2-fips"),
    tag: constantFrom("1.30.1", "1.30.1-debug", "1.30.1-distroless", 1.3, 20240626, 127),
    variant: unlikely(2, constantFrom("distroless", "debug", "default", "")),
  });
  return oneOf<Image>([5, complete], [2, parts]);
}

function selectors(): Arbitrary<readonly Selector[]> {
  return array(
    constantFrom<Selector>(
      { matchLabels: { mesh: "off" } },
      { matchExpressions: [{ key: "mesh", operator: "In", values: ["on", "maybe"] }] },
      { matchExpressions: [{ key: "mesh", operator: "NotIn", values: ["on"] }] },
      { matchExpressions: [{ key: "mesh", operator: "DoesNotExist" }] },
      { matchExpressions: [{ key: "mesh", operator: "Exists" }], matchLabels: { mesh: "on" } },
      { matchExpressions: [{ key: "pod-template-hash", operator: "Exists" }] },
      {},
    ),
    { minLength: 1, maxLength: 2 },
  );
}
