import { expect, test } from "vitest";
import { istioUpgrade, type NextStep, sentence } from "../../../src/next-step.ts";
import { noticeNote } from "../../../src/report/notice-note.ts";
import type { Notice } from "../../../src/rollout/notices.ts";
import { formatStep } from "../../support/build/next-step.ts";

const workload = {
  namespace: "shop",
  kind: "Deployment",
  name: "web",
  uid: "uid-web",
  apiVersion: "apps/v1",
  resourceVersion: "7",
};

function noteOf(message: string, nextStep: NextStep = ""): string {
  const notice = { workload, message, nextStep } as Notice;
  return noticeNote(notice, formatStep);
}

const step = sentence`remove it, then: ${istioUpgrade("restart", "--namespace", "shop")}`;

test.each<[message: string, nextStep: NextStep, note: string]>([
  ["It failed.", "", "It failed."],
  [
    "It failed.",
    step,
    "It failed. Next step: remove it, then: istio-upgrade restart --namespace shop",
  ],
  ["two\nlines\u001b[31m and\u0007 colour", "", "two lines and colour"],
])("%j with %j", (message, nextStep, note) => {
  expect(noteOf(message, nextStep)).toBe(note);
});

test.each(["x", "ü", "あ", "🚢"])(
  "a long note of %s is cut to 1024 bytes, and its command is not",
  (letter) => {
    const note = noteOf(letter.repeat(2000), step);
    const bytes = Buffer.byteLength(note);
    expect(bytes).toBeLessThanOrEqual(1024);
    expect(bytes).toBeGreaterThan(1024 - 5);
    expect(note).toMatch(
      new RegExp(
        `^${letter}+… Next step: remove it, then: istio-upgrade restart --namespace shop$`,
        "u",
      ),
    );
  },
);

test("a note of exactly 1024 bytes is not cut", () => {
  expect(noteOf("x".repeat(1024))).toBe("x".repeat(1024));
  expect(noteOf("x".repeat(1025))).toBe(`${"x".repeat(1021)}…`);
});

test("a next step that fills the note is replaced by the command that explains it", () => {
  const long = sentence`${"choose one; ".repeat(60)}${istioUpgrade("restart")}`;
  expect(noteOf("It failed.", long)).toBe(
    "It failed. Next step: istio-upgrade explain deployment/web --namespace shop",
  );
});
