import { Agent, request } from "node:https";
import { buffer } from "node:stream/consumers";
import { PbfReader, PbfWriter } from "pbf";
import type { Generate } from "./front.ts";
import { namespaceName } from "./load.ts";
import type { PlainBed } from "./plain-bed.ts";

/** Numbers of objects per Deployment. */
const PODS = 4;
const REPLICA_SETS = 6;
/** The number of Deployments per namespace. */
const DEPLOYMENTS = 25;

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const METADATA = ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

interface Template {
  readonly kind: string;
  readonly item: Buffer;
  /** The texts to replace with others of the same length, and their offsets in the item. */
  readonly slots: readonly { readonly at: readonly number[]; text(index: number): string }[];
}

/**
 * Answers the lists of a cluster of any size without storing it: each item is a copy of one from the
 * API server's namespace `shop-00000`, with other names and uids. The API server answers every other
 * request.
 */
export async function generator(bed: PlainBed, pods: number): Promise<Generate> {
  const deployments = Math.ceil(pods / PODS);
  const place = `namespaces/${namespaceName(0)}`;
  const [deployment, replicaSet, pod, namespace] = await Promise.all([
    firstItem(bed, `/apis/apps/v1/${place}/deployments`),
    firstItem(bed, `/apis/apps/v1/${place}/replicasets`, METADATA),
    firstItem(bed, `/api/v1/${place}/pods?labelSelector=app%3Dweb-000`),
    firstItem(bed, `/api/v1/namespaces?labelSelector=istio.io%2Frev`),
  ]);
  const uidOfDeployment = uidIn(deployment.item);
  const uidOfReplicaSet = uidIn(replicaSet.item);
  const uidOfOwner = uidsIn(pod.item).find((found) => found !== uidIn(pod.item));
  const slots = (perDeployment: number) => {
    const of = (index: number) => Math.floor(index / perDeployment);
    return {
      [namespaceName(0)]: (index: number) => namespaceName(Math.floor(of(index) / DEPLOYMENTS)),
      "web-000": (index: number) => `web-${String(of(index) % DEPLOYMENTS).padStart(3, "0")}`,
      [uidOfDeployment]: (index: number) => uid("d", of(index)),
    };
  };
  const hash = /-([0-9]f9c4d8b)/.exec(replicaSet.item.toString("latin1"))?.[1] ?? "";
  const podSuffix = /web-000-[0-9]f9c4d8b7?-([0-9a-f]{5})/.exec(pod.item.toString("latin1"))?.[1];
  const lists = new Map<string, readonly [count: number, template: Template]>([
    ["/apis/apps/v1/deployments", [deployments, withSlots(deployment, slots(1))]],
    [
      "/apis/apps/v1/replicasets",
      [
        deployments * REPLICA_SETS,
        withSlots(replicaSet, {
          ...slots(REPLICA_SETS),
          [hash]: (index) => `${index % REPLICA_SETS}${hash.slice(1)}`,
          [uidOfReplicaSet]: (index) => uid("r", index),
        }),
      ],
    ],
    [
      "/api/v1/pods",
      [
        deployments * PODS,
        withSlots(pod, {
          ...slots(PODS),
          [podSuffix ?? ""]: (index) => `${index % PODS}zzzz`,
          [uidOfOwner ?? ""]: (index) => uid("r", Math.floor(index / PODS) * REPLICA_SETS),
          [uidIn(pod.item)]: (index) => uid("p", index),
        }),
      ],
    ],
    [
      "/api/v1/namespaces",
      [
        Math.ceil(deployments / DEPLOYMENTS),
        withSlots(namespace, {
          [namespaceName(0)]: namespaceName,
          // A list that repeats an object counts as endless.
          [uidIn(namespace.item)]: (index) => uid("n", index),
        }),
      ],
    ],
    ["/apis/apps/v1/statefulsets", [0, { ...deployment, kind: "StatefulSetList", slots: [] }]],
    ["/apis/apps/v1/daemonsets", [0, { ...deployment, kind: "DaemonSetList", slots: [] }]],
  ]);
  return (url, accept) => {
    const [count, template] = lists.get(url.pathname) ?? [];
    if (count === undefined || template === undefined) return undefined;
    if (!accept.startsWith(PROTOBUF)) throw new Error(`only protobuf is generated, not ${accept}`);
    const token = url.searchParams.get("continue");
    const { from } = token
      ? (JSON.parse(Buffer.from(token, "base64url").toString()) as { from: number })
      : { from: 0 };
    const limit = Number(url.searchParams.get("limit") ?? "500");
    return page(template, from, Math.min(count, from + limit), count);
  };
}

function uid(kind: string, index: number): string {
  return `${kind}0000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
}

function page({ kind, item, slots }: Template, from: number, to: number, count: number): Buffer {
  const head = new PbfWriter();
  const token = to < count ? Buffer.from(JSON.stringify({ from: to })).toString("base64url") : "";
  head.writeMessage(
    1,
    (_, meta) => {
      meta.writeStringField(2, "1000");
      meta.writeStringField(3, token);
    },
    undefined,
  );
  const itemHead = new PbfWriter();
  itemHead.writeTag(2, 2);
  itemHead.writeVarint(item.length);
  const prefix = Buffer.from(itemHead.finish());
  const size = prefix.length + item.length;
  const listMeta = Buffer.from(head.finish());
  const raw = Buffer.allocUnsafe(listMeta.length + (to - from) * size);
  listMeta.copy(raw);
  for (let index = from; index < to; index += 1) {
    const start = listMeta.length + (index - from) * size;
    prefix.copy(raw, start);
    item.copy(raw, start + prefix.length);
    for (const slot of slots) {
      const value = slot.text(index);
      for (const offset of slot.at) raw.write(value, start + prefix.length + offset, "latin1");
    }
  }
  const envelope = new PbfWriter();
  envelope.writeMessage(
    1,
    (_, type) => {
      type.writeStringField(1, "v1");
      type.writeStringField(2, kind);
    },
    undefined,
  );
  envelope.writeTag(2, 2);
  envelope.writeVarint(raw.length);
  return Buffer.concat([Buffer.from("k8s\0"), envelope.finish(), raw]);
}

function withSlots(
  { kind, item }: Pick<Template, "kind" | "item">,
  texts: Readonly<Record<string, (index: number) => string>>,
): Template {
  const slots = Object.entries(texts).map(([from, text]) => {
    if (from === "") throw new Error(`a ${kind} lacks the expected names`);
    const at: number[] = [];
    for (let found = item.indexOf(from); found >= 0; found = item.indexOf(from, found + 1)) {
      at.push(found);
    }
    return { at, text };
  });
  return { kind, item, slots };
}

const UID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

function uidsIn(item: Buffer): readonly string[] {
  return item.toString("latin1").match(UID) ?? [];
}

/** Returns the item's own uid, which comes before those of its owners. */
function uidIn(item: Buffer): string {
  return uidsIn(item)[0] ?? "";
}

/** Returns the first item of a list, as the bytes that the API server sends. */
async function firstItem(
  { server, ca, token }: PlainBed,
  path: string,
  form = "",
): Promise<Pick<Template, "kind" | "item">> {
  const url = new URL(path, server);
  const headers = { authorization: `Bearer ${token}`, accept: PROTOBUF + form };
  const agent = new Agent({ ca });
  const body = await new Promise<Buffer>((resolve, reject) => {
    request(url, { agent, headers }, (answer) => {
      buffer(answer).then(resolve, reject);
    })
      .on("error", reject)
      .end();
  });
  let kind = "";
  let item: Uint8Array | undefined;
  new PbfReader(body.subarray(4)).readFields((field, _, unknown) => {
    if (field === 1) {
      unknown.readMessage((number, __, type) => {
        if (number === 2) kind = type.readString();
      }, undefined);
    } else if (field === 2) {
      unknown.readMessage((number, __, list) => {
        if (number === 2) item ??= list.readBytes();
      }, undefined);
    }
  }, undefined);
  if (item === undefined) throw new Error(`${path} is empty`);
  return { kind, item: Buffer.from(item) };
}
