/**
 * Printing and parsing take time in proportion to the size. Times are compared with each other only: four times the size may take twelve times
 * as long, and is tried again when it does; quadratic is sixteen times as long every time.
 */
import { describe, expect, it } from "vitest"
import { type Path, paths, time } from "./Paths.ts"

/** How many times longer four times the size takes, from a size that takes so many milliseconds, or from a million. */
const growth = async (path: Path, enough: number): Promise<number> => {
  let size = 64_000
  let small = await time(path, size, 3)
  while (small < enough && size < 1_000_000) {
    size *= 2
    small = await time(path, size, 3)
  }
  // by now it is compiled
  small = Math.min(small, await time(path, size, 3))
  return await time(path, size * 4, 2) / Math.max(small, 0.5)
}

const grows = async (path: Path): Promise<number> => {
  let least = Infinity
  // from another size each time: where a heap outgrows its young part, four times the size costs more once
  for (let attempt = 0; attempt < 5 && least > 12; attempt++) least = Math.min(least, await growth(path, 20 / 2 ** attempt))
  return least
}

describe("time against size", () => {
  it.each(paths.filter(({ engine }) => engine !== true).map((path) => [path.name, path] as const))("%s", async (_, path) => {
    expect(await grows(path)).toBeLessThan(12)
  })

  it("a quadratic path is found", async () => {
    const quadratic: Path = {
      name: "quadratic",
      prepare: (size) => () => {
        let sum = 0
        for (let i = 0; i < size / 16; i++) for (let j = 0; j < size / 16; j++) sum ^= j
        return sum
      }
    }
    expect(await grows(quadratic)).toBeGreaterThan(12)
  })
})
