/** How lists are asked for; single objects are always JSON. */
export const ENCODINGS = ["protobuf", "json"] as const;
export type Encoding = (typeof ENCODINGS)[number];
