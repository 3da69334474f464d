/**
 * Text, text to be written in UTF-16, an object for YAML (JSON where the name says so), or the
 * credential plugin. `{words}` are ports and certificates.
 */
export type File = string | readonly [utf16: string] | object;

/** A kubeconfig, or what else leads to a cluster, and who arrives there. */
export interface Case {
  readonly name: string;
  /** By their path in the case's folder, `{dir}`. */
  readonly files: Readonly<Record<string, File>>;
  /** Besides `HOME={dir}/home` and `KUBECONFIG={dir}/config`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags that we and kubectl have both. */
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** In a pod, whose folder of secrets is `serviceaccount`. */
  readonly pod?: boolean;
  /** Authorization headers that the server knows; others are answered with 401. */
  readonly accept?: readonly string[];
  readonly expect: Expected;
  /** Where we mean to differ: what kubectl does instead. */
  readonly kubectl?: Expected;
}

/** The cases by the name of their group. */
export type Groups = Readonly<Record<string, readonly Case[]>>;

export type Expected = Refused | Arrives;

export interface Refused {
  /** What ours says; kubectl has its own words. */
  readonly refused: string | RegExp;
}

export interface Arrives {
  /** `Bearer one`; nobody where it is left out. */
  readonly authorization?: string;
  readonly certificate?: string;
  readonly impersonation?: Readonly<Record<string, readonly string[]>>;
  /** Without its port; `127.0.0.1` where left out. */
  readonly host?: string;
  readonly prefix?: string;
  readonly secure?: boolean;
  readonly sni?: string;
  readonly namespace?: string;
  /** `http api.test:443`; none where it is left out. */
  readonly proxy?: string;
  /** How often the credential plugin ran; 0 where it is left out. */
  readonly runs?: number;
  /** What the plugin was told in its first run. */
  readonly told?: object;
  /** What is seen on stderr. */
  readonly says?: RegExp;
}
