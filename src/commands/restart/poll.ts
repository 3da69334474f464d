/** Milliseconds between two looks at something that is waited for, give or take the jitter. */
export const POLL = 1000;
