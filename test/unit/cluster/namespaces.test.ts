import { describe, expect, test } from "vitest";
import { Gaps } from "../../../src/cluster/gaps.ts";
import {
  existingNamespaces,
  namespaceRecord,
  readNamespaces,
  selectNamespaces,
} from "../../../src/cluster/namespaces.ts";
import { CannotRun } from "../../../src/errors.ts";
import { ApiError } from "../../../src/http/api-error.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { type Answer, forbidden, scriptedApi } from "../../support/build/scripted-api.ts";

test("a namespace without labels and annotations has empty ones", () => {
  expect(namespaceRecord({ metadata: { name: "shop" } })).toEqual({
    name: "shop",
    labels: {},
    annotations: {},
  });
});

const item = (name: string) => ({
  metadata: { name, labels: { team: "pay" }, annotations: { owner: "jane", secret: "x" } },
});
const list = (...names: readonly string[]) => ({
  kind: "NamespaceList",
  metadata: {},
  items: names.map(item),
});

describe("a selection of namespaces", () => {
  async function errorOf(answer: Answer): Promise<CannotRun> {
    const error: unknown = await selectNamespaces(scriptedApi([answer]), "team", []).catch(
      (thrown) => thrown,
    );
    if (!(error instanceof CannotRun)) throw new Error("it was accepted", { cause: error });
    return error;
  }

  test("is one request, sorted, with the annotations that were asked for", async () => {
    const api = scriptedApi([list("pay", "ledger")]);
    const selected = await selectNamespaces(api, "team in (pay)", ["owner"]);
    expect([...selected.values()]).toEqual(
      ["ledger", "pay"].map((name) => ({
        name,
        labels: { team: "pay" },
        annotations: { owner: "jane" },
      })),
    );
    expect(api.requests).toMatchObject([
      { path: "/api/v1/namespaces", query: { labelSelector: "team in (pay)" } },
    ]);
  });

  test("is an error if it cannot be read: the scope would seem to be empty", async () => {
    const denied = await errorOf(forbidden("list", "namespaces"));
    expect(denied.code).toBe("forbidden");
    expect(formatStep(denied.hint)).toBe(
      "name the namespaces instead, or ask for the permission: kubectl auth can-i list namespaces",
    );
    const busy = await errorOf(new ApiError("busy", { status: 503, reason: "" }));
    expect([busy.code, busy.hint]).toEqual([
      "unreachable",
      "run the command again when the API server responds",
    ]);
    // A list that continues after its snapshot has expired may miss namespaces.
    const expired = new ApiError("expired", { status: 410, reason: "Expired" });
    expect((await errorOf(expired)).message).toContain("expired");
  });

  test("is not read again", async () => {
    const api = scriptedApi([{ kind: "Namespace", ...item("shop") }]);
    const known = await selectNamespaces(scriptedApi([list("pay")]), "team", []);
    const gaps = new Gaps(api);
    const read = await readNamespaces(api, ["pay", "shop"], gaps, { known });
    expect([...read.keys()]).toEqual(["pay", "shop"]);
    expect(api.requests.map(({ path }) => path)).toEqual(["/api/v1/namespaces/shop"]);
  });
});

test("namespaces that were deleted are left out, and those that cannot be read are kept", async () => {
  const gone = new ApiError("gone", { status: 404, reason: "NotFound" });
  const found = { kind: "Namespace", ...item("pay") };
  const api = scriptedApi([found, gone, forbidden("get", "namespaces")]);
  const { names, known } = await existingNamespaces(api, ["pay", "old", "vault"], ["owner"]);
  expect(names).toEqual(["pay", "vault"]);
  expect([...known.values()]).toMatchObject([{ name: "pay", annotations: { owner: "jane" } }]);
});
