/** Pieces of Markdown: prose, tables, code, and the anchors that headings have. */

/** Text of a comment as prose: what is no code is not taken for markup. */
export const prose = (text: string): string =>
  text.split(/(`[^`]*`)/).map((part, i) =>
    i % 2 === 1
      ? part
      : part.replaceAll(/\{@link (\S+?)\}/g, "$1").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(/[*_~[\]]/g, "\\$&")
  ).join("")

/** Text within one cell of a table. */
export const cell = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|")

/** Code within prose. */
export const code = (text: string): string => text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``

/** A table; nothing without rows. A column in which every cell is empty is left out. */
export const table = (headings: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  if (rows.length === 0) return ""
  const shown = headings.map((_, i) => i).filter((i) => rows.some((row) => row[i] !== ""))
  const line = (cells: ReadonlyArray<string>): string => `| ${shown.map((i) => cell(cells[i] ?? "")).join(" | ")} |`
  return [line(headings), `|${shown.map(() => "---|").join("")}`, ...rows.map(line)].join("\n")
}

/** A block of text as it stands. */
export const block = (text: string, language = "text"): string => `\`\`\`${language}\n${text}\n\`\`\``

/** The anchor of a heading. */
export const anchor = (heading: string): string => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")

/** Paragraphs, tables and blocks, without those that are empty. */
export const joined = (parts: ReadonlyArray<string>): string => parts.filter((part) => part !== "").join("\n\n")

/** The first sentence of a comment. */
export const sentence = (text: string | undefined): string => {
  if (text === undefined) return ""
  const flat = text.replaceAll(/\s+/g, " ").trim()
  return /^.*?[.:;](?=\s[A-Z0-9`]|$)/.exec(flat)?.[0].replace(/[:;]$/, ".") ?? flat
}
