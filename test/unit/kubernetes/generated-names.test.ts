import { describe, expect, test } from "vitest";
import { withoutGeneratedNames } from "../../../src/kubernetes/generated-names.ts";

const LONG = "a".repeat(70);

describe("generated names of pods", () => {
  test.each<[message: string, name: string, replaced: string]>([
    ['pods "audit-4d7h6" is forbidden: no', "audit", 'pods "audit" is forbidden: no'],
    ['pods "web-7d4b9c8f9-x2xz4" is forbidden', "web", 'pods "web" is forbidden'],
    ["denied shop/audit-rs4nb, audit-4d7h6.", "audit", "denied shop/audit, audit."],
    ['Pod "a.b-4d7h6" is invalid', "a.b", 'Pod "a.b" is invalid'],
    [`pods "${LONG.slice(0, 58)}4d7h6" is forbidden`, LONG, `pods "${LONG}" is forbidden`],
  ])("are replaced in %s", (message, name, replaced) => {
    expect(withoutGeneratedNames(message, name)).toBe(replaced);
  });

  test.each<[message: string, name: string]>([
    ['pods "db-0" is forbidden', "db"],
    ['pods "audit-log" is forbidden', "audit"],
    ['pods "my-audit-4d7h6" is forbidden', "audit"],
    ['pods "audit-4d7h6x" is forbidden', "audit"],
    ['pods "audit-4d7h6-log" is forbidden', "audit"],
    ['pods "aXb-4d7h6" is forbidden', "a.b"],
  ])("are not confused with other names: %s", (message, name) => {
    expect(withoutGeneratedNames(message, name)).toBe(message);
  });

  test("may start with the name of a sample pod", () => {
    const message = 'pods "import-x2xz4-4d7h6" is forbidden';
    expect(withoutGeneratedNames(message, "import", "import-x2xz4-")).toBe(
      'pods "import" is forbidden',
    );
  });
});
