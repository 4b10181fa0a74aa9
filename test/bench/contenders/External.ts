/** Libraries of `test/bench/package.json`, installed on demand: loaded by name, and typed by those who use them as far as they do. */

/** Loads a library. */
export const load = async <A>(name: string): Promise<A> => {
  const module = await import(name)
  return module as A
}
