import { spawn } from "node:child_process";
import type { Io } from "../../io.ts";
import type { GateEnd } from "../../rollout/gate.ts";

/** A question to a gate. */
export interface GateQuestion {
  /** The absolute path of the program. */
  readonly path: string;
  readonly env: Io["env"];
  /** The standard input of the program. */
  readonly input: string;
  /** Milliseconds that the program may take. */
  readonly timeout: number;
}

/** The end of the program, and the end of its output. */
export interface GateAnswer {
  readonly end: GateEnd;
  readonly output: string;
  /** The number of bytes before `output` that are left out. */
  readonly omitted: number;
}

/** The bytes of the output that are kept: its end, because a program reports its result last. */
const KEPT = 4096;

/** Milliseconds that a program may take to end after SIGTERM, before SIGKILL. */
const TERM_GRACE = 1000;

/** Milliseconds for which output is read after the end: a process in the background may keep it open. */
const OUTPUT_GRACE = 500;

/**
 * Runs the program of a gate, without a shell, in a process group of its own.
 *
 * @param abort ends the program, because its answer no longer matters.
 */
export async function askGate(
  io: Pick<Io, "sleep" | "process">,
  { path, env, input, timeout }: GateQuestion,
  abort: AbortSignal,
): Promise<GateAnswer> {
  const output = newTail(KEPT);
  const hasGroup = io.process.platform !== "win32";
  let child: ReturnType<typeof spawnGate>;
  try {
    child = spawnGate(path, env, hasGroup);
  } catch (error) {
    return { end: { kind: "not-run", message: (error as Error).message }, ...output.text() };
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => output.add(chunk)).on("error", () => undefined);
  }
  // A program that does not read its input is no error.
  child.stdin.on("error", () => undefined).end(input);

  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ended = new Promise<GateEnd>((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ kind: "not-run", message: error.code ?? error.message }),
    );
    child.once("exit", (code, signal) =>
      resolve(
        code === null
          ? { kind: "killed", signal: signal ?? "an unknown signal" }
          : { kind: "exited", code },
      ),
    );
  });

  const awake = new AbortController();
  const over = io
    .sleep(timeout, AbortSignal.any([awake.signal, abort]))
    .then((): GateEnd => (abort.aborted ? { kind: "stopped" } : { kind: "timed-out", timeout }));
  const first = await Promise.race([ended, over]);
  awake.abort();
  if (first.kind === "timed-out" || first.kind === "stopped") {
    sendSignal("SIGTERM");
    await Promise.race([ended, io.sleep(TERM_GRACE)]);
    // Also the processes that the program has started.
    sendSignal("SIGKILL");
  }
  if (first.kind !== "not-run") await Promise.race([closed, io.sleep(OUTPUT_GRACE)]);
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  child.unref();
  return { end: first, ...output.text() };

  function sendSignal(name: "SIGTERM" | "SIGKILL"): void {
    const { pid } = child;
    if (pid === undefined) return;
    try {
      io.process.kill(hasGroup ? -pid : pid, name);
    } catch {
      // Everything has ended already.
    }
  }
}

function spawnGate(path: string, env: Io["env"], detached: boolean) {
  return spawn(path, [], { env: { ...env }, stdio: ["pipe", "pipe", "pipe"], detached });
}

/** Collects the last bytes of an output. */
function newTail(size: number) {
  let chunks: Buffer[] = [];
  let length = 0;
  let total = 0;
  return {
    add(chunk: Buffer): void {
      chunks.push(chunk);
      length += chunk.length;
      total += chunk.length;
      if (length <= 4 * size) return;
      chunks = [Buffer.concat(chunks).subarray(-size)];
      length = size;
    },
    text(): Pick<GateAnswer, "output" | "omitted"> {
      let bytes = Buffer.concat(chunks).subarray(-size);
      // The first bytes may be the rest of a character in UTF-8, which has at most four bytes.
      for (let byte = 1; byte < 4 && total > bytes.length; byte += 1) {
        if (((bytes[0] ?? 0) & 0xc0) === 0x80) bytes = bytes.subarray(1);
      }
      return { output: bytes.toString("utf8"), omitted: total - bytes.length };
    },
  };
}
