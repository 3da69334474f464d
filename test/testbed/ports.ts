import { once } from "node:events";
import { createServer } from "node:net";

/**
 * The ports that a system gives nobody who does not name one: Linux gives those from 32768, and macOS those
 * from 49152. The ports from 30000 are those of Kubernetes Services.
 */
const [FIRST, LAST] = [10_000, 29_999];

let next = FIRST + Math.floor(Math.random() * (LAST - FIRST));

/**
 * Returns distinct free TCP ports on 127.0.0.1, which this process does not get again. No other
 * process takes them by chance before the program that they are for listens.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = next;
    next = port === LAST ? FIRST : port + 1;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  await new Promise((done) => server.close(done));
  return true;
}
