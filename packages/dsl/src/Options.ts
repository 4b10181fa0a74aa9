/** Options of words, kept as they were given: specs run without the type checker, so a misspelt one must not be lost on the way to `check`. */

/** The options that are given; what is no object of options is kept under `options`, where it belongs to no word. */
export const given = <A extends object>(options: A): A =>
  typeof options !== "object" || options === null || Array.isArray(options)
    ? (options === undefined ? {} : { options }) as A
    : Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as A
