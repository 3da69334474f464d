#!/usr/bin/env node
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Newer versions of Node keep what they compiled. In a folder of the user's own, since what lies
// there is run; where it cannot be written, as in many a pipeline, nothing is kept.
const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
module.enableCompileCache?.(join(cache, "istio-upgrade", "compiled"));

const { main } = await import("../dist/main.js");
process.exitCode = await main(process.argv.slice(2));
