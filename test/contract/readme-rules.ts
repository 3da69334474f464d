import { readFileSync } from "node:fs";
import { load as parseYaml } from "js-yaml";
import type { TestRule } from "../support/test-cluster.ts";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

const [check = [], restart = []] = [...README.matchAll(/```yaml\n(rules:\n[^`]*)```/g)].map(
  ([, yaml = ""]) => (parseYaml(yaml) as { rules: readonly TestRule[] }).rules,
);

/** The rules that the README gives to operators, in its order: to check, and to restart. */
export const README_RULES = { check, restart } as const;
