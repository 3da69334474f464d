import type { ApiObject } from "./api-objects.ts";

interface ManagedObject extends ApiObject {
  readonly metadata?: ApiObject["metadata"] & {
    readonly managedFields?: readonly {
      readonly manager?: string;
      readonly operation?: string;
    }[];
  };
}

/** Who holds an object by server-side apply, by the names of their field managers. */
export function appliersOf({ metadata }: ManagedObject): readonly string[] {
  return (metadata?.managedFields ?? []).flatMap(({ manager, operation }) =>
    operation === "Apply" && manager !== undefined ? [manager] : [],
  );
}
