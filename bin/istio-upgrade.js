#!/usr/bin/env node
const { readFileSync, writeSync } = require("node:fs");
const module_ = require("node:module");
const { homedir } = require("node:os");
const { join } = require("node:path");

// The build stores the help and the version. Printing them costs 71 ms of CPU time, including 67 ms
// for the start of Node. Loading the program for them would cost 102 ms.
const STORED = { "--version": "version.txt", "--help": "help.txt", "-h": "help.txt" };

const [first = "--help", ...others] = process.argv.slice(2);
const file = others.length === 0 && Object.hasOwn(STORED, first) ? STORED[first] : undefined;
if (file === undefined) void run();
else writeSync(1, readFileSync(join(__dirname, "../dist", file)));

async function run() {
  // Node 22 and newer can keep compiled code. Node runs what it finds there, so the folder is the user's
  // own. If it cannot be written, as in many pipelines, nothing is kept.
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  module_.enableCompileCache?.(join(cache, "istio-upgrade", "compiled"));
  const { main } = await import("../dist/main.js");
  // If the process ends before `main` returns, that is a failure.
  process.exitCode = 1;
  process.exitCode = await main(process.argv.slice(2));
}
