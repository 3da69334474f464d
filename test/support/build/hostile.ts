import * as fc from "fast-check";

/** Texts that somebody may put into a cluster to mislead whoever reads a report of it. */
export const ATTACKS: Readonly<Record<string, string>> = {
  "colours, and a forged conclusion": "\u001b[32mweb\u001b[0m\r\nRESULT exit=0 cluster=prod",
  "the screen cleared, the cursor moved": "\u001b[2J\u001b[H\u001b[1Aall is well",
  "a title, and what xterm once typed back": "\u001b]0;title\u0007\u001b[21t web",
  "a hyperlink": "\u001b]8;;https://evil.example\u001b\\kubectl\u001b]8;;\u001b\\",
  "the clipboard": "\u001b]52;c;cm0gLXJmIH4=\u0007web",
  "a device control string": "\u001bP1;1|17/72\u001b\\web",
  "C1 controls": "\u009b31m\u009dtitle\u009cweb\u0085next",
  "an unended sequence": "web\u001b]0;",
  "bare controls": "a\u0000b\b\b\u0007\u000b\u000c\u007fc",
  "the direction turned": "web\u202egnp.exe\u2066\u2069\u061c\u200f",
  "what is not seen": "we\u200bb\u00ad\ufeff\u3164\u034f\u{e0061}\u2060",
  "halves of characters": "\ud800web\udfff\ud83d",
  "numbers that are no character": "web\uffff\ufffe\ufdd0\u{1ffff}",
  "lines of many kinds": "a\nb\rc\u2028d\u2029e\u0085f\u000bg\tx",
  "cells and rows": "a|b\\|c\n| forged | row | 1 |\n\n# heading\n---",
  "code in Markdown":
    "`x` ``y`` <b>bold</b> ![i](https://evil.example/p.png) [l](javascript:x) ~~s~~",
  HTML: "<script>alert(1)</script><img src=x onerror=y>&lt;&#x1b;</td></tr>",
  "the end of CDATA": "]]>]]>]]&gt;<failure/><![CDATA[<!-- -- --><?xml ?>&amp;",
  "an attribute's end": "\"' onload='x' type=\"<&",
  "a shell's work": "x; touch owned; $(touch owned) `touch owned` && touch owned | touch owned #",
  "a shell's quotes": "'; touch owned; ' '\\''\" $(touch owned) \"'\\",
  "a command in a command": "x kubectl get $(touch owned) istio-upgrade check ' y",
  "an option": "--kubeconfig=/tmp/evil -n kube-system",
  prototypes: "__proto__",
  "ways up": "../../../../api/v1/namespaces/kube-system/secrets/token?x=y#z",
};

/** By halves of characters: the two of these are apart. */
const unit = fc.constantFrom(
  ..."\u001b[]()#;?01mPXHJK\u0007\\\0\b\t\n\r\u0085\u009b\u009c\u009d\u2028\u202e".split(""),
  ..."\ud800\u2066\u200b\udfff\ufffe\ufeff\u00a0|`'\"<>&*_~$(){}!^%/-=.,:@ abc日é".split(""),
  "]]>",
  "<br>",
  "{{",
);

/** Hostile, and never without something to be seen. */
export const hostileText: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(...Object.values(ATTACKS)),
    fc.string({ unit, maxLength: 60 }),
    fc.string({ unit: "binary", maxLength: 60 }),
    fc
      .tuple(fc.constantFrom("x", "\u001b;#", "\u001b]", "日", "a ", "'", "`", "|"), fc.nat(2000))
      .map(([piece, times]) => piece.repeat(times)),
  )
  // Something is left of each: a letter that cannot be the end of an escape sequence, as `w` can.
  .map((text) => `${text}é`);

/** What the program itself writes: words of its own, times, hashes. */
const OWN = new Set(
  (
    "apiVersion version generatedAt startedAt finishedAt plan dryRun " +
    "verdict code change outcome restart proof step result exitReasons"
  ).split(" "),
);
const OWN_KINDS =
  /^(?:\w+Report|Explanation|tags|namespaces|templates|gateways|(?:terminating-)?pods)$/;

/** The same document, every text that is not the program's own replaced by one of these. */
export function hostileDocument<Document extends object>(
  document: Document,
  texts: readonly string[],
): Document {
  let next = 0;
  const replaced = (value: unknown, key: string): unknown => {
    if (OWN.has(key) && typeof value !== "object") return value;
    if (typeof value === "string") {
      if (value === "" || (key === "kind" && OWN_KINDS.test(value))) return value;
      next += 1;
      return texts[next % texts.length];
    }
    if (Array.isArray(value)) return value.map((item) => replaced(item, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, replaced(item, name)]),
    );
  };
  return replaced(document, "") as Document;
}
