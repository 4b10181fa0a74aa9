/**
 * Programs under measurement as what users run: JavaScript. From sources Node strips the types itself, which leaves the young generation of the
 * heap so large that a benchmark of values measures its collections instead.
 */

/** Makes of a program one file, which is `file`. What is imported by a name that is no literal stays apart. */
export const bundled = async (program: string, file: string): Promise<string> => {
  const { rolldown } = await import("rolldown")
  const bundle = await rolldown({
    input: program,
    platform: "node",
    resolve: { conditionNames: ["@wirewright/source", "node", "import"] },
    // which only this process needs
    external: ["rolldown"]
  })
  await bundle.write({ file, format: "esm", codeSplitting: false })
  return file
}
