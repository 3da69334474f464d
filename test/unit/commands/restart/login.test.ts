import { describe, expect, test } from "vitest";
import { createLoginWatch } from "../../../../src/commands/restart/login.ts";
import { ApiError, NO_CREDENTIALS } from "../../../../src/http/api-error.ts";
import { type Answer, forbidden, respondingApi } from "../../../support/build/scripted-api.ts";
import { virtualIo } from "../../../support/build/virtual-clock.ts";

const UNAUTHORIZED = new ApiError("Unauthorized", { status: 401, reason: "Unauthorized" });
const NO_LOGIN = new ApiError("the plugin failed", { status: 0, reason: NO_CREDENTIALS });
const PODS = { method: "GET", path: "/api/v1/pods", kind: "PodList" } as const;

/** An API that gives the answer of each second, and the losses with their seconds. */
function watched(answer: (second: number) => Answer) {
  const io = virtualIo();
  let requests = 0;
  const { api, watch } = createLoginWatch(
    respondingApi(() => {
      requests += 1;
      return answer(io.elapsed() / 1000);
    }),
    io,
  );
  const losses: (readonly [second: number, message: string])[] = [];
  const unwatch = watch((message) => losses.push([io.elapsed() / 1000, message]));
  return { io, api, unwatch, losses, requests: () => requests };
}

describe("a login", () => {
  test.each<[rule: string, answer: (second: number) => Answer, second: number, requests: number]>([
    ["is lost after three seconds of 401", () => UNAUTHORIZED, 3, 4],
    ["is lost at once if there are no credentials", () => NO_LOGIN, 0, 1],
  ])("%s, once, and no request is answered or sent after that", async (_rule, answer, at, sent) => {
    const { io, api, losses, requests } = watched(answer);
    let isAnswered = false;
    const answered = () => (isAnswered = true);
    void api.send(PODS).then(answered, answered);
    await io.sleep(10_000);
    void api.send(PODS).then(answered, answered);
    await io.sleep(10_000);
    expect([losses.map(([second]) => second), requests(), isAnswered]).toEqual([[at], sent, false]);
  });

  test("is kept if the API server accepts it again within three seconds", async () => {
    const { api, losses } = watched((second) => (second < 2 ? UNAUTHORIZED : { kind: "PodList" }));
    await expect(api.send(PODS)).resolves.toEqual({ kind: "PodList" });
    expect(losses).toEqual([]);
  });

  test("is kept if a permission is missing", async () => {
    const { api, losses } = watched(() => forbidden("list", "pods"));
    await expect(api.send(PODS)).rejects.toMatchObject({ status: 403 });
    expect(losses).toEqual([]);
  });

  test("is an ordinary error if nobody watches", async () => {
    const { api, unwatch, losses } = watched(() => UNAUTHORIZED);
    unwatch();
    await expect(api.send(PODS)).rejects.toBe(UNAUTHORIZED);
    expect(losses).toEqual([]);
  });
});
