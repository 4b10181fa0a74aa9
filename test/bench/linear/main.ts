/**
 * `npm run bench:linear -- [--path WORDS] [--sizes 1,2,4,8,16]`
 *
 * Time against size of everything that prints or parses what peers, documents and files say. Sizes are millions of characters; the last column
 * is how many times longer the largest takes than the smallest, divided by how many times larger it is: about 1 is linear, 16 is quadratic.
 */
import { parseArgs } from "node:util"
import { paths, time } from "./Paths.ts"

const { values } = parseArgs({
  options: { path: { type: "string", default: "" }, sizes: { type: "string", default: "1,2,4,8,16" } }
})
const sizes = values.sizes.split(",").map(Number)
if (sizes.length < 2 || !sizes.every((size) => size > 0)) {
  console.error("--sizes are at least two numbers of millions, such as 1,2,4")
  process.exit(2)
}
const million = 1_000_000
const cell = (text: string): string => text.padStart(9)
console.log(`${"milliseconds for".padEnd(30)}${sizes.map((size) => cell(`${size} M`)).join("")}${cell("growth")}`)
for (const path of paths) {
  if (!path.name.includes(values.path)) continue
  // the first run is the compiler's
  await time(path, million / 10, 3)
  const times: Array<number> = []
  for (const size of sizes) times.push(await time(path, size * million, size <= 2 ? 3 : 1))
  const growth = times.at(-1)! / times[0]! / (sizes.at(-1)! / sizes[0]!)
  console.log(`${path.name.padEnd(30)}${times.map((one) => cell(one.toFixed(1))).join("")}${cell(growth.toFixed(2))}`)
}
