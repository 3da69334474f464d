#!/usr/bin/env node
const { readFileSync, writeSync } = require("node:fs");
const { join } = require("node:path");

// The build stores the help and the version. Printing them costs 71 ms of CPU time, including 67 ms
// for the start of Node. Loading the program for them would cost 102 ms.
const STORED = {
  "--version": "version.txt",
  version: "version.txt",
  "--help": "help.txt",
  "-h": "help.txt",
  help: "help.txt",
};

const [first = "--help", ...others] = process.argv.slice(2);
const file = others.length === 0 && Object.hasOwn(STORED, first) ? STORED[first] : undefined;
if (file === undefined) run();
else writeSync(1, readFileSync(join(__dirname, "../dist", file)));

function run() {
  const { runProgram } = require("./load.js");
  const path = join(__dirname, "../dist/main.cjs");
  void runProgram(readFileSync(path), path);
}
