/**
 * The behaviours of containers, as shell scripts. Every container of the tests runs the same
 * image, which asks the server in `stand-in.ts` for the behaviour of its pod and its role.
 */

/** The roles of containers: Istio's two containers by their commands, and those of the tests. */
export type Role = "istio-init" | "istio-proxy" | "app" | "setup";

/** The scripts of one container: one for each start, where the last one also is for all later ones. */
export type Behaviour = readonly [string, ...string[]];

/** Ends with an exit code at once, as a container does whose configuration is wrong. */
export function exits(code: number): string {
  return `exit ${code}`;
}

/** Runs until it is terminated, and then ends within `drainSeconds`. */
export function runs(drainSeconds = 0): string {
  return `trap 'sleep ${drainSeconds}; exit 0' TERM
while :; do sleep 3600 & wait $!; done`;
}

/**
 * Answers probes on `port` with `status` until it is terminated. `httpd` only answers with 200, but
 * starts no program for each probe.
 */
export function answers(port: number, status: number): string {
  const server =
    status === 200 ? `httpd -f -p ${port} -h /www` : `nc -ll -p ${port} -e /bin/answer ${status}`;
  return `${server} & ${runs()}`;
}

/** Answers the probes of a sidecar. */
export function sidecar(status: number): string {
  return answers(15_021, status);
}

export const DEFAULTS: Readonly<Record<Role, string>> = {
  "istio-init": exits(0),
  "istio-proxy": sidecar(200),
  app: answers(8080, 200),
  setup: exits(0),
};
