import { EventEmitter } from "node:events";
import readline from "node:readline";
import xterm from "@xterm/headless";
import { afterEach, expect, test, vi } from "vitest";
import type { Io } from "../../../src/io.ts";
import { liveLines } from "../../../src/report/live-lines.ts";
import type { DisplaySettings } from "../../../src/settings.ts";
import { recordedIo } from "../../support/build/recorded-io.ts";
import { someStep } from "../../support/build/step.ts";

const DISPLAY: DisplaySettings = {
  output: "table",
  reportFiles: [],
  color: "never",
  headers: true,
  quiet: false,
  verbose: false,
};

afterEach(() => void vi.unstubAllEnvs());

/** A stream to a terminal that wraps its lines again when it is resized. */
class TerminalStream extends EventEmitter {
  readonly isTTY = true;
  readonly rows = 24;
  columns = 80;
  readonly terminal = new xterm.Terminal({ cols: 80, rows: 24, allowProposedApi: true });

  write(text: string): boolean {
    this.terminal.write(text.replaceAll("\n", "\r\n"));
    return true;
  }
  cursorTo(column: number): boolean {
    return readline.cursorTo(this.stream(), column);
  }
  moveCursor(columns: number, rows: number): boolean {
    return readline.moveCursor(this.stream(), columns, rows);
  }
  clearLine(direction: -1 | 0 | 1): boolean {
    return readline.clearLine(this.stream(), direction);
  }
  async screen(): Promise<string> {
    await new Promise<void>((resolve) => this.terminal.write("", resolve));
    const { active } = this.terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, row) =>
      active.getLine(row)?.translateToString(true),
    );
    return lines.join("\n").trimEnd();
  }
  private stream(): NodeJS.WritableStream {
    return this as unknown as NodeJS.WritableStream;
  }
}

test.each([
  ["before the program draws again", 0],
  ["after the program has drawn again, with the old width", 300],
])("no line stays on a terminal whose signal of a new size comes %s", async (_when, pause) => {
  // ora draws nothing in a pipeline.
  vi.stubEnv("CI", undefined);
  vi.stubEnv("TERM", "xterm");
  const stream = new TerminalStream();
  const io = { ...recordedIo(), stderr: stream } as unknown as Io;
  const progress = liveLines(io, DISPLAY);
  stream.write("kept\n");
  const names = ["one", "two", "three"];
  const steps = names.map((name) => {
    const step = someStep();
    return { ...step, ref: { ...step.ref, name: `${name}-${"x".repeat(40)}`, uid: name } };
  });
  progress.emit({ type: "planned", steps, message: "" });
  for (const { ref, from, to } of steps) progress.emit({ type: "started", ref, from, to });
  await vi.waitFor(async () => expect(await stream.screen()).toMatch(/three[^]*3 rolling/));
  stream.terminal.resize(30, 24);
  await new Promise((resolve) => setTimeout(resolve, pause));
  stream.columns = 30;
  stream.emit("resize");
  try {
    await vi.waitFor(async () => {
      const screen = await stream.screen();
      expect(screen.split("\n")[0]).toBe("kept");
      expect(screen.split("\n")).toHaveLength(1 + steps.length + 1);
    });
    stream.terminal.resize(100, 24);
    await new Promise((resolve) => setTimeout(resolve, pause));
    stream.columns = 100;
    stream.emit("resize");
    await vi.waitFor(async () => {
      const screen = await stream.screen();
      expect(screen.split("\n")[0]).toBe("kept");
      expect(screen.split("\n")).toHaveLength(1 + steps.length + 1);
    });
  } finally {
    progress.stop();
  }
});
