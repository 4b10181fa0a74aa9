/** Keeps a number of promises in flight. */

/** Runs `inFlight` loops until all are done. */
export const all = async (inFlight: number, loop: () => Promise<void>): Promise<void> => {
  await Promise.all(Array.from({ length: inFlight }, loop))
}
