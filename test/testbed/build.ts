/**
 * Builds the programs of the test bed from Go modules, once, into the user's cache folder. `tsx
 * test/testbed/build.ts` only builds.
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheFolder } from "../../packaging/cache-folder.ts";
import { goEnvironment } from "../../packaging/go-tool.ts";
import {
  KUBELET_MODULE,
  MODULES,
  PROMETHEUS_MODULE,
  WORKFLOWS_MODULE,
  type AnyProgramName,
  type GoModule,
  type ProgramName,
  type Programs,
} from "./programs.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const BUILD_FLAGS = ["-trimpath"];
const GO_MINIMUM = { major: 1, minor: 26 };

type AnyPrograms = Partial<Record<AnyProgramName, string>>;

/** An error whose message tells the user what is missing. A stack trace would not help. */
export class BuildError extends Error {}

/**
 * Returns the paths of all programs. Builds programs that are not in the cache, with progress on
 * stderr.
 *
 * @throws BuildError if Go or a promised program is missing, or if a build fails.
 */
export async function buildPrograms(): Promise<Programs> {
  const found: Partial<Record<ProgramName, string>> = {};
  for (const module of MODULES) Object.assign(found, await programsOf(module));
  return found as Programs;
}

/**
 * Returns the path of the kubelet, and builds it first if necessary.
 *
 * @throws BuildError as `buildPrograms` does.
 */
export async function buildKubelet(): Promise<string> {
  const { kubelet } = await programsOf(KUBELET_MODULE);
  return kubelet as string;
}

/**
 * Returns the path of the program that checks metrics, and builds it first if necessary.
 *
 * @throws BuildError as `buildPrograms` does.
 */
export async function buildPromcheck(): Promise<string> {
  const { promcheck } = await programsOf(PROMETHEUS_MODULE);
  return promcheck as string;
}

/**
 * Returns the path of the controller of Argo Workflows, and builds it first if necessary.
 *
 * @throws BuildError as `buildPrograms` does.
 */
export async function buildWorkflowController(): Promise<string> {
  const programs = await programsOf(WORKFLOWS_MODULE);
  return programs["workflow-controller"] as string;
}

/** Returns the path of a program, or `undefined` if it is not built yet. */
export async function builtProgram(name: ProgramName): Promise<string | undefined> {
  const module = MODULES.find(({ packages }) => name in packages);
  if (module === undefined) return undefined;
  try {
    const program = join(process.env[module.assets] || (await programFolder(module)), name);
    return (await isProgram(program)) ? program : undefined;
  } catch (error) {
    // There is no Go either.
    if (error instanceof BuildError) return undefined;
    throw error;
  }
}

/**
 * Returns the folder of the Istio module's sources, for its `samples`.
 *
 * @throws BuildError if Go is missing or the module cannot be downloaded.
 */
export function istioSources(): Promise<string> {
  return sourcesOf("istio.io/istio", "istio");
}

/** Returns the folder of Argo Rollouts' sources, for the definitions of its types. */
export function argoSources(): Promise<string> {
  return sourcesOf("github.com/argoproj/argo-rollouts", "argo");
}

/** Returns the folder of Argo Workflows' sources, likewise. */
export function workflowSources(): Promise<string> {
  return sourcesOf("github.com/argoproj/argo-workflows/v4", "argo-workflows");
}

async function sourcesOf(path: string, folder: GoModule["folder"]): Promise<string> {
  const answer = await go(["mod", "download", "-json", path], join(HERE, folder));
  return (JSON.parse(answer) as { Dir: string }).Dir;
}

async function programsOf(module: GoModule): Promise<AnyPrograms> {
  const assets = process.env[module.assets];
  if (assets) return programsIn(resolve(assets), module);
  const folder = await programFolder(module);
  const programs: AnyPrograms = {};
  for (const [name, path] of Object.entries(module.packages)) {
    const program = join(folder, name);
    if (!(await isProgram(program))) await build(module, name, path, program);
    programs[name as keyof AnyPrograms] = program;
  }
  return programs;
}

async function programsIn(folder: string, module: GoModule): Promise<AnyPrograms> {
  const programs: AnyPrograms = {};
  for (const name of Object.keys(module.packages) as (keyof AnyPrograms)[]) {
    const program = join(folder, name);
    if (!(await isProgram(program)))
      throw new BuildError(
        `${module.assets} is set to ${folder}, but there is no program ${name}.`,
      );
    programs[name] = program;
  }
  return programs;
}

/**
 * The folder's name is a hash of everything that determines the build, so that a change of versions
 * never uses old programs.
 */
async function programFolder(module: GoModule): Promise<string> {
  const folder = join(HERE, module.folder);
  const hash = createHash("sha256");
  for (const file of module.files) hash.update(await readFile(join(folder, file)));
  hash.update(JSON.stringify([BUILD_FLAGS, module.ldflags, module.packages]));
  hash.update(await goVersion(folder));
  return cacheFolder("testbed", hash.digest("hex").slice(0, 16));
}

/** Returns Go's version in the module's folder, where Go may switch to the toolchain of go.mod. */
async function goVersion(folder: string): Promise<string> {
  const wanted = `Go ${GO_MINIMUM.major}.${GO_MINIMUM.minor} or newer`;
  let answer: string;
  try {
    answer = await go(["env", "GOVERSION", "GOOS", "GOARCH"], folder);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const found = missing ? "there is no `go` on the PATH" : `\`go\` failed: ${lastLine(error)}`;
    throw new BuildError(`The test bed is built with ${wanted}, but ${found}.`);
  }
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(answer) ?? [];
  if (Number(major) !== GO_MINIMUM.major || Number(minor) < GO_MINIMUM.minor)
    throw new BuildError(
      `The test bed is built with ${wanted}, but the PATH has ${answer.split("\n")[0]}.`,
    );
  return answer;
}

let announced = false;

async function build(module: GoModule, name: string, path: string, program: string): Promise<void> {
  if (!announced)
    say("building the test bed's programs; the first time takes about 20 minutes on two cores");
  announced = true;
  say(`building ${name}`);
  const started = Date.now();
  const unfinished = `${program}.${process.pid}.part`;
  await mkdir(resolve(program, ".."), { recursive: true });
  try {
    await goBuild(module, path, unfinished);
    await rename(unfinished, program);
  } finally {
    await rm(unfinished, { force: true });
  }
  say(`built ${name} in ${Math.round((Date.now() - started) / 1000)} s`);
}

async function goBuild(module: GoModule, path: string, output: string): Promise<void> {
  const args = ["build", ...BUILD_FLAGS, "-ldflags", module.ldflags, "-o", output, path];
  const child = spawn("go", args, {
    cwd: join(HERE, module.folder),
    env: goEnvironment(),
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await new Promise((done, failed) => child.on("exit", done).on("error", failed));
  if (code !== 0) throw new BuildError(`\`go build ${path}\` failed; see its output above.`);
}

async function go(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)("go", args, { cwd, env: goEnvironment() });
  return stdout.trim();
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split("\n").at(-1)?.replace(/\.$/, "") ?? "";
}

function say(line: string): void {
  process.stderr.write(`test bed: ${line}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildPrograms();
    await buildPromcheck();
    await buildWorkflowController();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
