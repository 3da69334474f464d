import { UsageError } from "../../errors.ts";
import { isObject } from "../../json-object.ts";
import { isRestartable } from "../../kubernetes/kinds.ts";
import { DRIFT_KINDS } from "../../mesh/drift.ts";
import { VERDICTS } from "../../mesh/verdict.ts";
import { istioUpgrade, sentence } from "../../next-step.ts";
import {
  API_VERSION,
  type MovedNamespaceEntry,
  type RestartReport,
} from "../../report/document.ts";
import { planHash } from "../../report/entries.ts";
import { INCLUDES } from "../../settings.ts";
import { readJsonFile } from "../json-file.ts";

const CREATE_ONE = sentence`create one: ${istioUpgrade("restart", "--namespace", "NAMESPACE", "--dry-run", "--output", "json")} > FILE`;

/** The fields of a namespace in the plan of a move, by which the plan is recognized. */
type PlannedNamespace = Pick<MovedNamespaceEntry, "name" | "from" | "injection" | "to">;

/**
 * Reads the plan in the report of a dry run, or of a run that is to be continued. The file may come
 * from anybody, so every field that is used is checked.
 *
 * @throws UsageError if the file contains no plan, or a plan that was changed.
 */
export async function readPlanFile(file: string): Promise<RestartReport> {
  const document = await readJsonFile(file, {
    what: "plan",
    mostBytes: MOST_BYTES,
    hint: CREATE_ONE,
  });
  if (!isPlan(document)) {
    throw new UsageError(`"${file}" is not a plan: it is not the report of a restart`, CREATE_ONE);
  }
  if (hashOf(document) !== document.plan) {
    throw new UsageError(
      `the plan in "${file}" was changed after it was made: its content does not match the hash ${document.plan}`,
      CREATE_ONE,
    );
  }
  return document;
}

/** The number of bytes of the largest plan that is read: that of 100,000 workloads. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Returns the hash of a plan; `undefined` if the content is nested too deeply to be written. */
function hashOf(document: RestartReport): string | undefined {
  try {
    return planHash(document);
  } catch {
    return undefined;
  }
}

function isPlan(document: unknown): document is RestartReport {
  if (!isObject(document)) return false;
  const { apiVersion, kind, dryRun, plan, cluster, scope, allowDowntime, steps } = document;
  const { move, namespaces, inPlace } = document;
  const isOfKind = (step: unknown) => isStep(step, inPlace !== undefined);
  return (
    apiVersion === API_VERSION &&
    kind === "RestartReport" &&
    // The report of a run has the plan that the run carries out.
    isTextOrNull(dryRun) &&
    isText(plan) &&
    typeof allowDowntime === "boolean" &&
    isObject(cluster) &&
    isText(cluster["server"]) &&
    isText(cluster["istioNamespace"]) &&
    isObject(scope) &&
    isListOf(scope["include"], (name) => INCLUDES.some((include) => include === name)) &&
    isListOf(steps, isOfKind) &&
    (inPlace === undefined || (isObject(inPlace) && typeof inPlace["pull"] === "boolean")) &&
    (move === undefined
      ? namespaces === undefined
      : isObject(move) && isText(move["to"]) && isListOf(namespaces, isNamespace))
  );
}

function isNamespace(namespace: unknown): namespace is PlannedNamespace {
  if (!isObject(namespace)) return false;
  const { name, from, injection, to } = namespace;
  return isText(name) && isTextOrNull(from) && isTextOrNull(injection) && isText(to);
}

/** @param isAnyKind true for a plan of replacements in place, which needs no rollout. */
function isStep(step: unknown, isAnyKind: boolean): boolean {
  if (!isObject(step)) return false;
  const { namespace, kind, name, uid, verdict, from, to, template, restartedAt, drift } = step;
  return (
    [namespace, kind, name, uid].every(isText) &&
    (isAnyKind || isRestartable(String(kind))) &&
    VERDICTS.some((known) => known === verdict) &&
    isListOf(from, isFrom) &&
    isObject(to) &&
    isText(to["image"]) &&
    isText(to["revision"]) &&
    isTextOrNull(template) &&
    // Plans of earlier versions lack it.
    isTextOrNull(restartedAt ?? null) &&
    (drift === undefined || isListOf(drift, isDrift))
  );
}

function isDrift(entry: unknown): boolean {
  if (!isObject(entry)) return false;
  const { path, what, from, to } = entry;
  const isValue = (value: unknown) => value === null || typeof value === "string";
  return isText(path) && DRIFT_KINDS.some((kind) => kind === what) && isValue(from) && isValue(to);
}

function isFrom(group: unknown): boolean {
  if (!isObject(group)) return false;
  const { image, revision, pods } = group;
  return isTextOrNull(image) && isTextOrNull(revision) && Number.isSafeInteger(pods);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}
