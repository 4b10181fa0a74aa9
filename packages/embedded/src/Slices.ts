/**
 * Work in slices: what takes long gives way to others in between.
 *
 * Pure: work is a generator that yields where it may be interrupted; whoever drives it decides how long a slice is.
 */

/** Work that can be interrupted wherever it yields. */
export type Sliced<A> = Generator<void, A, void>

/** Does all of it at once. */
export const atOnce = <A>(work: Sliced<A>): A => {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Does some of it, at least one step and until `enough`; nothing when more is left. */
export const someOf = <A>(work: Sliced<A>, enough: () => boolean): { readonly value: A } | undefined => {
  do {
    const step = work.next()
    if (step.done === true) return { value: step.value }
  } while (!enough())
  return undefined
}
