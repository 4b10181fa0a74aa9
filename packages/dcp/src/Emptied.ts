/**
 * What was in an array, which is empty now. Every place of it is overwritten: `splice` hands the array's own memory on, and what old memory of the heap
 * refers to outlives it until the whole heap is collected, with all that was read together with it.
 */
export const emptied = <A extends object>(array: Array<A>): ReadonlyArray<A> => {
  const were = array.slice()
  const places: Array<A | undefined> = array
  places.fill(undefined)
  array.length = 0
  return were
}
