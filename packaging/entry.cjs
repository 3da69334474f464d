/** The entry point of the one-file program, as `bin/istio-upgrade.js` is that of the npm package. */
const { getAssetKeys, getRawAsset } = require("node:sea");
const { runProgram } = require("../bin/load.js");

const asset = (name) => Buffer.from(getRawAsset(name));
const code = getAssetKeys().includes("code") ? asset("code") : undefined;
// A path in stack traces would differ from machine to machine.
void runProgram(asset("main.cjs"), "istio-upgrade.cjs", code);
