/** Lines of a listing that fit a terminal. Pure. */

/** So wide are lines. */
export const maxColumns = 80

const indent = "    "

/** Characters of a text, cut where it is longer than `width`. */
const cut = (text: string, width: number): string => {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`
}

/** Parts of one line with two spaces between them; what does not fit goes on in the next one, and what would not fit there is cut. */
export const folded = (parts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const part of parts) {
    const joined = line === "" ? part : `${line}  ${part}`
    if ([...joined].length <= maxColumns) {
      line = joined
      continue
    }
    if (line !== "") lines.push(line)
    line = indent + cut(part, maxColumns - indent.length)
  }
  return [...lines, line]
}
