/**
 * Phrases that a technical editor would replace, and the plain words to use instead. The linter
 * applies the list to code (`lint/english.js`), `lint/markdown.js` to the documents.
 *
 * @typedef {{ readonly pattern: RegExp, readonly instead: string }} Phrase
 */

/** @type {readonly Phrase[]} */
const PHRASES = [
  ["mend|mends|mended|mending", "fix"],
  ["(?:cannot|can|could|may|is to|are to|was to) be had", "could not read, is not available"],
  ["of which", "whose, including, or a sentence of its own"],
  ["so long(?! as\\b| that\\b)", "for, for that long, longer than"],
  ["whoever|whomever", "anyone who, or the name of the actor"],
  ["whatever", "any, every, regardless of"],
  ["cannot get on|(?:gets|got|getting) on", "makes progress, continues"],
  ["(?:is|are|was|were|be) through(?=[.,;:!?)]|$)", "has finished, is complete"],
  ["fare|fares|fared", "succeed, fail, behave"],
  ["(?:come|comes|came) of", "results from, is caused by"],
  ["otherwise than", "differently from, unlike"],
  ["(?:go|goes|going) along", "moves with, is included"],
  ["(?:is|are|was|were|be|been) (?:told|said)", "is reported, is printed"],
  ["(?:cannot|can|could|may) be told(?: apart)?", "is known, is distinguished"],
  ["told apart", "distinguished"],
  ["(?:say|says|said|tell|tells|told) of", "about"],
  ["nothing of|not a word of", "nothing about, no part of"],
  ["in the words of|in (?:its|their|his) (?:own )?words", "as X reports it"],
  ["(?:a|one|two|each|every|first|last|next|final|fresh|another) looks?", "a read, a check"],
  ["(?:lay|lays|laid|laying) over", "combines, covers"],
  ["stands(?! for\\b)|stand (?:in|behind|between|beside|there)", "is, replaces"],
  ["(?:go|goes|went|going) on", "continue"],
  ["(?:take|takes|taken|took) away", "remove"],
  ["(?:by|in) (?:its|their|his|our) own account", "according to, as X reports it"],
  ["all the same(?! to\\b)", "anyway, nevertheless"],
  ["for want of", "without, because X is missing"],
  ["in vain", "without success"],
  ["anew", "again"],
  ["for ever", "forever"],
  ["worth while", "worthwhile, useful"],
  ["on (?:its|their) way out", "terminating"],
  ["but for", "except"],
  ["spoil|spoils|spoilt|spoiled", "corrupt, break"],
  ["where (?:there (?:is|are|was|were)|none|nothing|nobody)", "if"],
  ["where (?:it|they|that|one) (?:is|are|was) (?:missing|absent|unknown|unread|empty|not)", "if"],
].map(([words, instead]) => ({ pattern: new RegExp(`\\b(?:${words})(?!\\w)`, "giu"), instead }));

/** First words of a clause that has no subject. */
const CLAUSE =
  /^(?:What|Who|Whose|Whom|Whether|Where|Which|Why|How|When|That of|Those|One that)\b/iu;

/**
 * Returns every phrase of the list that the text contains.
 *
 * @param {string} text
 */
export function findPhrases(text) {
  return PHRASES.flatMap(({ pattern, instead }) =>
    [...text.matchAll(pattern)].map(({ 0: phrase, index }) => ({ phrase, index, instead })),
  );
}

/**
 * Returns the first word if the text is a clause ("What is written there") instead of a sentence
 * or noun phrase ("The text of the file").
 *
 * @param {string} text
 */
export function findClause(text) {
  return CLAUSE.exec(text)?.[0];
}
