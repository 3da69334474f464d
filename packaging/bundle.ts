import { build, type Metafile } from "esbuild";

/** The bundled program, as the npm package and the one-file programs contain it. */
export interface Bundle {
  /** A CommonJS module in ASCII that exports `main`. */
  readonly text: string;
  readonly sourceMap: string;
  readonly metafile: Metafile;
}

/**
 * Bundles the program into one file, which starts faster than many. A command that is imported when it
 * runs is still evaluated only then.
 *
 * @param root the folder with `src`. No path above it is in the bundle.
 */
export async function bundleProgram(root: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts"],
    outfile: "dist/main.cjs",
    bundle: true,
    minify: true,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    charset: "ascii",
    sourcemap: true,
    write: false,
    metafile: true,
    logLevel: "warning",
  });
  const textOf = (ending: string) => {
    const file = outputFiles.find(({ path }) => path.endsWith(ending));
    if (file === undefined) throw new Error(`esbuild has written no ${ending}`);
    return file.text;
  };
  return { text: textOf(".cjs"), sourceMap: textOf(".map"), metafile };
}
