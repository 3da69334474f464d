import { describe, expect, test } from "vitest";

interface Phrases {
  readonly findPhrases: (text: string) => readonly { readonly phrase: string }[];
  readonly findClause: (text: string) => string | undefined;
}
const url = new URL("../../../lint/phrases.js", import.meta.url);
const { findPhrases, findClause }: Phrases = await import(url.href);

describe("the linter of the English", () => {
  test.each([
    ["Mend the label.", "Mend"],
    ["The credentials cannot be had.", "cannot be had"],
    ["Pods of which some are ready.", "of which"],
    ["It waits so long.", "so long"],
    ["The rollout is through, and the run ends.", "is through"],
    ["Nothing gets on without it.", "gets on"],
    ["The reason is told in the report.", "is told"],
  ])("finds a phrase in %j", (text, phrase) => {
    expect(findPhrases(text)).toMatchObject([{ phrase }]);
  });

  test.each([
    "The message mentions an amendment.",
    "It takes so long that a few lists must be enough.",
    "The kubelet may get on-demand metrics.",
    "The request is through a proxy.",
    "The list stands for all workloads.",
    "A lookup of the standard image.",
  ])("accepts %j", (text) => {
    expect(findPhrases(text)).toEqual([]);
  });

  test.each([
    ["What is written there.", "What"],
    ["whether the pod is ready", "whether"],
    ["One that is there.", "One that"],
  ])("finds a clause without a subject in %j", (text, word) => {
    expect(findClause(text)).toBe(word);
  });

  test.each(["Whatsoever.", "The pod that is written there.", "One page of a list."])(
    "accepts the beginning of %j",
    (text) => {
      expect(findClause(text)).toBeUndefined();
    },
  );
});
