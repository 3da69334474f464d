/** Compiles the program for the Node that runs this file: `node compile.cjs main.cjs code`. */
const { readFileSync, writeFileSync } = require("node:fs");
const { compile } = require("../bin/load.js");

const [source, output] = process.argv.slice(2);
writeFileSync(output, compile(readFileSync(source), source).createCachedData());
