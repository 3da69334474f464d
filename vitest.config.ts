import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take minutes, although they are small. */
const LONG = /\/test\/(oracle\/cases|testbed\/(kubeconfig|faults|killed|unattended))\.test\.ts$/;

/** Starts the long files first, so that no worker is idle at the end. Vitest starts with the largest ones. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/**
 * `npm test` runs the first three; `npm run test:package` the next, on each Node of the registry;
 * `npm run test:cluster` the two next, on a real control plane; `npm run test:kubelet` the next, on a
 * real node, too; `npm run test:browser` the last, in Chromium.
 */
export default defineConfig({
  test: {
    // The tests mostly wait, for rollouts and for spawned programs.
    maxWorkers: 4,
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{unit,fuzz}/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "embedded",
          include: ["test/{contract,chaos}/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/faults/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          // The versions of Node are downloaded the first time.
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "release",
          include: ["test/release/**/*.test.ts", "test/e2e/**/*.test.ts"],
          // These are about the npm package and the pages.
          exclude: ["test/e2e/{documentation,package,start}.test.ts"],
          globalSetup: ["test/release/global-setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "cluster",
          include: ["test/{contract,testbed,oracle}/**/*.test.ts"],
          globalSetup: ["test/testbed/global-setup.ts"],
          // Each worker has a cluster of its own, shared by the files that it runs one by one.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          globalSetup: ["test/testbed/global-setup.ts"],
          // The worlds leave revisions and tags, which other tests must not meet.
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: "kubelet",
          include: ["test/kubelet/**/*.test.ts"],
          globalSetup: ["test/kubelet/global-setup.ts"],
          // All tests of a file run at the same time, because back-offs take a while. The files share
          // one node.
          maxWorkers: 1,
          maxConcurrency: 50,
          sequence: { groupOrder: 2 },
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          // Each worker starts a browser of its own.
          maxWorkers: 2,
          sequence: { groupOrder: 5 },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
