import * as fc from "fast-check";

/** Texts that an attacker may put into a cluster to mislead the reader of a report. */
export const ATTACKS: Readonly<Record<string, string>> = {
  "colours and a forged RESULT line": "\u001b[32mweb\u001b[0m\r\nRESULT exit=0 cluster=prod",
  "clears the screen and moves the cursor": "\u001b[2J\u001b[H\u001b[1Aall is well",
  "sets the title and lets old xterms type it": "\u001b]0;title\u0007\u001b[21t web",
  "a hyperlink": "\u001b]8;;https://evil.example\u001b\\kubectl\u001b]8;;\u001b\\",
  "the clipboard": "\u001b]52;c;cm0gLXJmIH4=\u0007web",
  "a device control string": "\u001bP1;1|17/72\u001b\\web",
  "C1 controls": "\u009b31m\u009dtitle\u009cweb\u0085next",
  "an unterminated escape sequence": "web\u001b]0;",
  "bare controls": "a\u0000b\b\b\u0007\u000b\u000c\u007fc",
  "a reversed text direction": "web\u202egnp.exe\u2066\u2069\u061c\u200f",
  "invisible characters": "we\u200bb\u00ad\ufeff\u3164\u034f\u{e0061}\u2060",
  "lone surrogates": "\ud800web\udfff\ud83d",
  noncharacters: "web\uffff\ufffe\ufdd0\u{1ffff}",
  "all kinds of line breaks": "a\nb\rc\u2028d\u2029e\u0085f\u000bg\tx",
  "Markdown cells and rows": "a|b\\|c\n| forged | row | 1 |\n\n# heading\n---",
  "Markdown code and links":
    "`x` ``y`` <b>bold</b> ![i](https://evil.example/p.png) [l](javascript:x) ~~s~~",
  HTML: "<script>alert(1)</script><img src=x onerror=y>&lt;&#x1b;</td></tr>",
  "the end of CDATA": "]]>]]>]]&gt;<failure/><![CDATA[<!-- -- --><?xml ?>&amp;",
  "an attribute's end": "\"' onload='x' type=\"<&",
  "shell commands": "x; touch owned; $(touch owned) `touch owned` && touch owned | touch owned #",
  "a shell's quotes": "'; touch owned; ' '\\''\" $(touch owned) \"'\\",
  "a command within a suggested command": "x kubectl get $(touch owned) istio-upgrade check ' y",
  "a command-line option": "--kubeconfig=/tmp/evil -n kube-system",
  prototypes: "__proto__",
  "a path traversal": "../../../../api/v1/namespaces/kube-system/secrets/token?x=y#z",
};

/** Characters are split into UTF-16 units, so lone surrogates occur. */
const unit = fc.constantFrom(
  ..."\u001b[]()#;?01mPXHJK\u0007\\\0\b\t\n\r\u0085\u009b\u009c\u009d\u2028\u202e".split(""),
  ..."\ud800\u2066\u200b\udfff\ufffe\ufeff\u00a0|`'\"<>&*_~$(){}!^%/-=.,:@ abc日é".split(""),
  "]]>",
  "<br>",
  "{{",
);

/** Hostile texts that always contain a visible character. */
export const hostileText: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(...Object.values(ATTACKS)),
    fc.string({ unit, maxLength: 60 }),
    fc.string({ unit: "binary", maxLength: 60 }),
    fc
      .tuple(fc.constantFrom("x", "\u001b;#", "\u001b]", "日", "a ", "'", "`", "|"), fc.nat(2000))
      .map(([piece, times]) => piece.repeat(times)),
  )
  // The last letter stays visible: unlike `w`, it cannot be the end of an escape sequence.
  .map((text) => `${text}é`);

/** The fields that the program writes itself: its own words, times and hashes. */
const OWN = new Set(
  (
    "apiVersion version generatedAt startedAt firstPodAt readyAt finishedAt plan dryRun " +
    "verdict code change outcome restart proof step result phase state exitReasons " +
    "groupBy labelColumns before now"
  ).split(" "),
);
const OWN_KINDS =
  /^(?:\w+Report|Error|Explanation|tags|namespaces|templates|gateways|(?:terminating-)?pods)$/;

/**
 * Returns the document with every text that is not the program's own replaced by one of `texts`.
 */
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
