/** Reads of one workload each: more at a time would only make the API server queue them. */
export const READS_AT_A_TIME = 8;
