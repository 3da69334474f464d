const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { homedir } = require("node:os");
const { basename, dirname, join } = require("node:path");
const { constants, Script } = require("node:vm");

/**
 * Runs the program with the compiled code that an earlier run of the same command has kept: compiling it
 * again would take 60 ms. Node 22 could do the same, but Node 20 could not.
 *
 * @param bytes the bundle, which is ASCII.
 * @param path its name in stack traces.
 * @param shipped the compiled code to begin with, if there is any.
 */
async function runProgram(bytes, path, shipped) {
  const args = process.argv.slice(2);
  const kept = keptFile(bytes, args[0] ?? "");
  const cachedData = (kept && readIfExists(kept)) ?? shipped;
  const script = compile(bytes, path, cachedData);
  const program = { exports: {} };
  script.runInThisContext()(program.exports, require, program);
  // If the process ends before `main` returns, that is a failure.
  process.exitCode = 1;
  process.exitCode = await program.exports.main(args);
  const isKept = cachedData !== undefined && cachedData !== shipped && !script.cachedDataRejected;
  // A run that did not do the work of its command has compiled only a part.
  const isPart = process.exitCode === 1 || process.exitCode === 64 || args.includes("--help");
  if (kept !== undefined && !isKept && !isPart) keep(kept, script.createCachedData());
}

/** Compiles a CommonJS module. */
function compile(bytes, filename, cachedData) {
  // For ASCII, this is the fastest encoding.
  const source = bytes.toString("latin1");
  return new Script(`(function (exports, require, module) {${source}\n})`, {
    filename,
    cachedData,
    importModuleDynamically: constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

/** Returns the file for the compiled code of a command, or `undefined` if nothing can be kept. */
function keptFile(bytes, command) {
  if (!/^[a-z]+$/.test(command)) return undefined;
  const folder = ownFolder("istio-upgrade", "compiled");
  if (folder === undefined) return undefined;
  // V8 compares its own version and flags, but of the source only the length.
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return join(folder, `${hash}-${process.version}-${process.arch}-${command}`);
}

function readIfExists(path) {
  try {
    return fs.readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Keeps compiled code, and removes that of other programs. Without space or permission, keeps nothing. */
function keep(path, data) {
  try {
    const folder = dirname(path);
    const [hash] = basename(path).split("-");
    const old = fs.readdirSync(folder).filter((name) => !name.startsWith(hash));
    for (const name of old) fs.rmSync(join(folder, name), { recursive: true, force: true });
    const unfinished = `${path}.${process.pid}`;
    fs.writeFileSync(unfinished, data, { mode: 0o600 });
    fs.renameSync(unfinished, path);
  } catch {
    // The next run compiles the program again.
  }
}

/**
 * Returns the folder for compiled code, or `undefined`. What is in it is executed, so nobody else may write
 * to the folder: it is used only if this user owns it, and if nobody else could write to it before. If it
 * cannot be created, as in many pipelines, nothing is kept.
 */
function ownFolder(...names) {
  let folder = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  try {
    for (const name of names) {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      folder = join(folder, name);
      if (!fs.existsSync(folder)) fs.mkdirSync(folder, { mode: 0o700 });
      const found = fs.lstatSync(folder);
      // Windows has no owners and modes like these. A user's folders there are the user's own.
      if (process.getuid === undefined) continue;
      const isOwn = found.isDirectory() && found.uid === process.getuid();
      if (!isOwn || (found.mode & 0o022) !== 0) return undefined;
      if ((found.mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
    }
    return folder;
  } catch {
    return undefined;
  }
}

module.exports = { compile, runProgram };
