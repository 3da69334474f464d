import type { Programs } from "./programs.ts";

/**
 * The address of a running test bed. It is plain data, so that test workers can use the bed that
 * the test run started in another process.
 */
export interface BedAddress {
  /**
   * The folder of all files of the bed; its path is in the command line of each of its processes.
   */
  readonly folder: string;
  readonly kubeconfig: string;
  /** The address of the API server, such as `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** The API server's certificate authority, in PEM. */
  readonly ca: string;
  /** A bearer token with full permissions. */
  readonly token: string;
  /**
   * The path of the audit log: JSON lines of the level Metadata, without the bed's own components.
   */
  readonly auditLog: string;
  /** The path of the Unix socket on which the bed serves commands. */
  readonly control: string;
  readonly programs: Programs;
}
