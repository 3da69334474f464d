/**
 * The content of a file: text, text to write in UTF-16, an object to write as YAML or (in a file named
 * `.json`) as JSON, or `plugin` for the credential plugin. `{words}` are placeholders for ports and certificates.
 */
export type File = string | readonly [utf16: string] | object;

/** A configuration, and the request that must reach the API server with it. */
export interface Case {
  readonly name: string;
  /** The files by their path in the folder of the case, `{dir}`. */
  readonly files: Readonly<Record<string, File>>;
  /** The environment, in addition to `HOME={dir}/home` and `KUBECONFIG={dir}/config`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Flags that the program shares with kubectl. */
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** True to run in a pod, whose service account is in the folder `serviceaccount`. */
  readonly pod?: boolean;
  /** True if the case needs the IPv6 address `::1`. */
  readonly ipv6?: boolean;
  /** The `Authorization` headers that the server accepts. It answers 401 to others. */
  readonly accept?: readonly string[];
  readonly expect: Expected;
  /** The result of kubectl, if the program differs on purpose. */
  readonly kubectl?: Expected;
}

/** The cases by the name of their group. */
export type Groups = Readonly<Record<string, readonly Case[]>>;

export type Expected = Refused | Arrives;

/** The client must report an error, and send no request. */
export interface Refused {
  /** The error message of the program. Other clients have messages of their own. */
  readonly refused: string | RegExp;
}

/** The client must send requests with these properties. */
export interface Arrives {
  /** The `Authorization` header, such as `Bearer one`. Without it the request has none. */
  readonly authorization?: string;
  readonly certificate?: string;
  readonly impersonation?: Readonly<Record<string, readonly string[]>>;
  /** The host without its port. The default is `127.0.0.1`. */
  readonly host?: string;
  readonly prefix?: string;
  readonly secure?: boolean;
  readonly sni?: string;
  readonly namespace?: string;
  /** The proxy and its target, such as `http api.test:443`. Without it there is no proxy. */
  readonly proxy?: string;
  /** The number of runs of the credential plugin, if it matters. */
  readonly runs?: number;
  /** The input of the plugin in its first run. */
  readonly pluginInput?: object;
  /** The expected text on stderr. */
  readonly stderr?: RegExp;
}
