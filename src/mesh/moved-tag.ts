import { isObject } from "../json-object.ts";
import { type Fields, fieldsIn, listIn } from "./comparable-pod.ts";
import { parseImage } from "./image.ts";
import type { Warning } from "./warnings.ts";

/**
 * Warns of images whose tag somebody moved, or may have moved: a restart may change them, and no dry
 * run shows it.
 *
 * @param pods live pods of one workload.
 */
export function movedTagWarnings(pods: readonly Fields[]): readonly Warning[] {
  const containers = pods.flatMap(containersOf).filter(({ image }) => !image.includes("@"));
  const names = [...new Set(containers.map(({ name }) => name))].sort();
  return names.flatMap((name) => {
    const own = containers.filter((one) => one.name === name);
    const moved = own.find(({ image, digest }) =>
      own.some((other) => other.image === image && areDistinct(other.digest, digest)),
    );
    if (moved !== undefined) {
      return [
        {
          code: "tag-moved",
          message: `the pods run several digests of the image tag of container ${name}: a restart may also change it, unless the nodes have several architectures`,
        },
      ];
    }
    return own.some((one) => one.isAlwaysPulled && isMutable(one.image))
      ? [
          {
            code: "mutable-tag",
            message: `container ${name} always pulls a tag that is no version: a restart may also change its image`,
          },
        ]
      : [];
  });
}

interface RunningContainer {
  readonly name: string;
  readonly image: string;
  /** `undefined` if the kubelet does not report it. */
  readonly digest: string | undefined;
  readonly isAlwaysPulled: boolean;
}

function containersOf(pod: Fields): readonly RunningContainer[] {
  const spec = fieldsIn(pod, "spec");
  const status = fieldsIn(pod, "status");
  const statuses = ["containerStatuses", "initContainerStatuses"].flatMap((list) =>
    listIn(status, list).filter(isObject),
  );
  return ["containers", "initContainers"].flatMap((list) =>
    listIn(spec, list)
      .filter(isObject)
      .map(({ name, image, imagePullPolicy }) => ({
        name: String(name),
        image: String(image),
        digest: digestIn(statuses.find((one) => one["name"] === name)?.["imageID"]),
        isAlwaysPulled: imagePullPolicy === "Always",
      })),
  );
}

function digestIn(imageId: unknown): string | undefined {
  return typeof imageId === "string" ? /@(sha256:[0-9a-f]+)$/.exec(imageId)?.[1] : undefined;
}

function areDistinct(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** True for a tag without any digit, such as `latest`, and for no tag. */
function isMutable(image: string): boolean {
  const { tag } = parseImage(image);
  return tag === undefined || !/\d/.test(tag);
}
