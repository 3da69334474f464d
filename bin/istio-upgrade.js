#!/usr/bin/env node
const { readFileSync, writeSync } = require("node:fs");
const module_ = require("node:module");
const { homedir } = require("node:os");
const { join } = require("node:path");

// The build stores texts that never change, because loading an ES module would double the start
// time.
const WRITTEN = { "--version": "version.txt", "--help": "help.txt", "-h": "help.txt" };

const [first = "--help", ...others] = process.argv.slice(2);
const file = others.length === 0 && Object.hasOwn(WRITTEN, first) ? WRITTEN[first] : undefined;
if (file === undefined) void run();
else writeSync(1, readFileSync(join(__dirname, "../dist", file)));

async function run() {
  // Newer versions of Node keep what they compiled. In a folder of the user's own, since what lies
  // there is run; where it cannot be written, as in many a pipeline, nothing is kept.
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  module_.enableCompileCache?.(join(cache, "istio-upgrade", "compiled"));
  const { main } = await import("../dist/main.js");
  // Should the process end before it has an answer, that is no success.
  process.exitCode = 1;
  process.exitCode = await main(process.argv.slice(2));
}
