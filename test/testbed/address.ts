import type { Programs } from "./programs.ts";

/**
 * Where a running bed is and how to speak to it. Plain data: it crosses process borders, so that
 * test workers can use the bed that the test run started.
 */
export interface BedAddress {
  /** Holds everything the bed writes; its path is in the command line of each of its processes. */
  readonly folder: string;
  readonly kubeconfig: string;
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  /** PEM of the API server's certificate authority. */
  readonly ca: string;
  /** Bearer token with full rights. */
  readonly token: string;
  /** Path of the audit log: JSON lines, level Metadata; the bed's own components are left out. */
  readonly auditLog: string;
  /** Path of the Unix socket on which the bed takes orders. */
  readonly control: string;
  readonly programs: Programs;
}
