/** A program that stands in no file, for the bundler. */

const entry = `${import.meta.dirname}/entry.ts`

/** What the bundler is told of it: where it stands, as if it were a test here, and that packages are their sources. */
export const programOf = (source: string) => ({
  input: "entry",
  cwd: import.meta.dirname,
  resolve: { conditionNames: ["@wirewright/source", "import", "default"] },
  plugins: [{
    name: "entry",
    resolveId: (id: string) => id === "entry" ? entry : undefined,
    load: (id: string) => id === entry ? source : undefined
  }]
})
