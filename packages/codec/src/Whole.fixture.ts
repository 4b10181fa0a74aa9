/**
 * Test only: how much is tried. `npm test` takes a part of what takes long; `npm run test:whole`, which `.ci/run` does, takes all of it.
 */

/** Whether everything is tried: `WIREWRIGHT_WHOLE=1`. */
export const isWhole = process.env["WIREWRIGHT_WHOLE"] === "1"

/** How many of something are tried: `part` by `npm test`, `whole` by `npm run test:whole`. */
export const tried = (part: number, whole: number): number => isWhole ? whole : part

/** Those that are tried: one of `step`, from the first, by `npm test`; all by `npm run test:whole`. */
export const someOf = <A>(all: ReadonlyArray<A>, step: number): ReadonlyArray<A> => isWhole ? all : all.filter((_, i) => i % step === 0)
