// Apart from the pages, which few runs need: every failure loads this file.

/** The name of the tag of a page that has the reasons against exit code 0, for programs. */
export const EXIT_REASONS_TAG = "istio-upgrade-exit-reasons";

const UNFINISHED = new RegExp(`<meta name="${EXIT_REASONS_TAG}" content="(?:[^"]* )?unfinished:`);

/** True if a page is the record of a restart that was still in progress. Text from a cluster cannot claim it. */
export function isUnfinishedPage(text: string): boolean {
  return UNFINISHED.test(text);
}
