import type { ScopeEntry } from "./document.ts";

/**
 * Describes a scope: the places first, and then what narrows or widens it.
 *
 * @param mark formats a name or a flag.
 */
export function scopeParts(
  scope: ScopeEntry,
  mark: (text: string) => string = (text) => text,
): readonly string[] {
  const { namespaces, namespaceSelector, workloads, selector, revision, exclude, include } = scope;
  const places = namespaces === null ? "all namespaces" : namespaces.map(mark).join(", ");
  return [
    ...(namespaceSelector === null ? [] : [mark(`--namespace-selector ${namespaceSelector}`)]),
    places || "no namespace",
    ...workloads.map(mark),
    ...(selector === null ? [] : [mark(`--selector ${selector}`)]),
    ...(revision === null ? [] : [mark(`--revision ${revision}`)]),
    ...exclude.map(mark),
    ...include.map((what) => mark(`--include ${what}`)),
  ];
}
