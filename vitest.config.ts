import { defineConfig } from "vitest/config";

/**
 * `npm test` runs the first three; `npm run test:package` the next, on each Node of the registry;
 * `npm run test:cluster` the last, on a real control plane.
 */
export default defineConfig({
  test: {
    // The tests mostly wait, for rollouts and for spawned programs.
    maxWorkers: 4,
    projects: [
      { test: { name: "unit", include: ["test/{unit,fuzz}/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "embedded",
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/faults/**/*.test.ts"],
          testTimeout: 60_000,
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
          name: "cluster",
          include: [
            "test/contract/**/*.test.ts",
            "test/testbed/**/*.test.ts",
            "test/oracle/**/*.test.ts",
          ],
          globalSetup: ["test/testbed/global-setup.ts"],
          // Each worker has a cluster of its own, shared by the files that it runs one by one.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
