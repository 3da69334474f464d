/** Builds everything that a release consists of into `release/`: `npm run release`. */
import { fileURLToPath } from "node:url";
import { buildRelease } from "./release.ts";

await buildRelease(fileURLToPath(new URL("../release/", import.meta.url)));
