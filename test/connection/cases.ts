import type { Groups } from "./case.ts";
import { FILES } from "./cases/files.ts";
import { PLUGINS } from "./cases/plugins.ts";
import { PODS } from "./cases/pods.ts";
import { PROXIES } from "./cases/proxies.ts";
import { SERVERS } from "./cases/servers.ts";
import { USERS } from "./cases/users.ts";

export const CASES: Groups = {
  files: FILES,
  users: USERS,
  plugins: PLUGINS,
  servers: SERVERS,
  proxies: PROXIES,
  pods: PODS,
};
