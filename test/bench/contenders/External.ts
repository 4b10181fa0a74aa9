/** Libraries of `test/bench/package.json`, which is installed on demand: they are loaded by name, and typed here as far as they are used. */

/** Loads a library. */
export const load = async <A>(name: string): Promise<A> => {
  const module = await import(name)
  return module as A
}
