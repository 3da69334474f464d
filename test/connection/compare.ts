import { markdownTable } from "markdown-table";
import type { Groups } from "./case.ts";
import type { Client } from "./clients.ts";
import { arrivesRight, complaints } from "./expect.ts";
import type { Bench } from "./run.ts";

/** The result of one client in one case. */
export interface Comparison {
  readonly client: string;
  readonly group: string;
  readonly name: string;
  readonly isRight: boolean;
  /** The faults in the client's messages and in its use of a credential plugin. */
  readonly complaints: readonly string[];
}

/** Runs a client on each case, one after the other. */
export async function compareClient(
  bench: Bench,
  client: Client,
  groups: Groups,
): Promise<readonly Comparison[]> {
  const compared: Comparison[] = [];
  for (const [group, cases] of Object.entries(groups)) {
    for (const one of cases) {
      const arrival = await bench.run(client, one);
      compared.push({
        client: client.name,
        group,
        name: one.name,
        isRight: arrivesRight(client, one, arrival),
        complaints: complaints(client, one, arrival),
      });
    }
  }
  return compared;
}

/**
 * Returns the table that decides which client's code this program uses. A cell has the number of cases
 * that the client gets right, and in brackets the number of those without complaints.
 */
export function comparisonTable(compared: readonly Comparison[]): string {
  const clients = [...new Set(compared.map(({ client }) => client))];
  const groups = [...new Set(compared.map(({ group }) => group))];
  const row = (title: string, isIn: (one: Comparison) => boolean) => {
    const cells = clients.map((client) => {
      const right = compared.filter((one) => isIn(one) && one.client === client && one.isRight);
      return `${right.length} (${right.filter((one) => one.complaints.length === 0).length})`;
    });
    const number = compared.filter((one) => isIn(one) && one.client === clients[0]).length;
    return [title, String(number), ...cells];
  };
  return markdownTable(
    [
      ["cases", "number", ...clients],
      ...groups.map((group) => row(group, (one) => one.group === group)),
      row("all", () => true),
    ],
    { align: ["l", ...["number", ...clients].map(() => "r")] },
  );
}

/** Returns a line for each case that a client gets wrong. */
export function mistakes(compared: readonly Comparison[]): string {
  return compared
    .filter((one) => !one.isRight || one.complaints.length > 0)
    .map(({ client, group, name, isRight, complaints: said }) => {
      const what = isRight ? said.join("; ").replaceAll(/\s+/g, " ").slice(0, 120) : "WRONG";
      return `${client}: ${group}: ${name}: ${what}\n`;
    })
    .join("");
}
