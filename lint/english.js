/** An oxlint plugin that checks the English of comments, strings and test names. */
import { findClause, findPhrases } from "./phrases.js";

const TESTS = new Set(["describe", "it", "test"]);

const plainWords = rule((context) => {
  const check = (node, text) => {
    for (const { phrase, instead } of findPhrases(text))
      context.report({ loc: node.loc, message: `Replace "${phrase}": ${instead}.` });
  };
  return {
    Program: () => comments(context).forEach(({ loc, text }) => check({ loc }, text)),
    Literal: (node) => typeof node.value === "string" && check(node, node.value),
    TemplateLiteral: (node) => check(node, templateText(node)),
  };
});

const nounFirst = rule((context) => {
  const check = (node, text, what) => {
    const word = findClause(text);
    if (word === undefined) return;
    const message = `${what} begins with a noun or a verb, not with "${word}".`;
    context.report({ loc: node.loc, message });
  };
  return {
    Program: () =>
      comments(context).forEach(({ loc, text, isDoc }) => {
        // "When the pod is gone, ..." is a sentence in a comment, but seldom describes a declaration.
        if (isDoc || !text.startsWith("When "))
          check({ loc }, text, isDoc ? "A docstring" : "A comment");
      }),
    CallExpression(node) {
      const [title] = node.arguments;
      // Within a describe block a title may be the object of its sentence.
      if (!TESTS.has(rootName(node.callee)) || isWithinDescribe(node)) return;
      if (title?.type === "Literal" && typeof title.value === "string")
        check(title, title.value, "A test name");
      if (title?.type === "TemplateLiteral") check(title, templateText(title), "A test name");
    },
  };
});

/** The comments of a file as running text; line comments below each other are one. */
function comments({ sourceCode }) {
  const found = [];
  for (const { type, value, loc } of sourceCode.getAllComments()) {
    const text = value.replaceAll(/\s*\n\s*\*?\s*/gu, " ").replace(/^\*/u, "");
    const last = found.at(-1);
    const isBelow =
      type === "Line" && last?.type === "Line" && last.loc.end.line + 1 === loc.start.line;
    if (isBelow) {
      last.text += ` ${text.trim()}`;
      last.loc = { start: last.loc.start, end: loc.end };
    } else
      found.push({
        type,
        loc,
        text: text.trim(),
        isDoc: type === "Block" && value.startsWith("*"),
      });
  }
  return found;
}

function templateText({ quasis }) {
  return quasis.map(({ value }) => value.cooked ?? value.raw).join("…");
}

/** `test` of `test(...)`, `test.skipIf(...)(...)` and `test.each([...])(...)`. */
function rootName(callee) {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type === "MemberExpression") return rootName(callee.object);
  if (callee.type === "CallExpression") return rootName(callee.callee);
  if (callee.type === "TaggedTemplateExpression") return rootName(callee.tag);
  return undefined;
}

function isWithinDescribe({ parent }) {
  if (parent === null || parent === undefined) return false;
  const isDescribe = parent.type === "CallExpression" && rootName(parent.callee) === "describe";
  return isDescribe || isWithinDescribe(parent);
}

function rule(create) {
  return { meta: { type: "suggestion" }, create };
}

// oxlint-disable-next-line import/no-default-export -- oxlint loads plugins by their default export.
export default {
  meta: { name: "english" },
  rules: { "plain-words": plainWords, "noun-first": nounFirst },
};
