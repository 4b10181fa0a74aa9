/**
 * Test only: how a server that behaves as memcached does can take what no client should write. The codec reads one spelling of each request;
 * a line reader in front of it finds the line as memcached does and rewrites it into that spelling.
 */

/** Requests whose arguments memcached ignores. */
const withoutArguments = new Set(["version", "quit", "mn"])

/** Flags of meta commands that take no argument; what stands after them in the token is ignored. */
const bareFlags = /^([bcfhIklqstuvx])[^ ]+$/

/** A number without plus and leading zeros, cut to 32 bits where memcached cuts it. */
const number = (text: string, cut: "signed" | "unsigned" | undefined): string => {
  if (!/^[+-]?[0-9]+$/.test(text) || BigInt(text.replace("+", "")) > 0xffff_ffff_ffff_ffffn) return text
  const value = BigInt(text.replace("+", ""))
  return String(cut === undefined ? value : cut === "signed" ? BigInt.asIntN(32, value) : value < 0n ? value : BigInt.asUintN(32, value))
}

const stores = new Set(["set", "add", "replace", "append", "prepend"])

/** Whether memcached 1.6.18 cuts the number at this place. */
const cutOf = (command: string, place: number): "signed" | "unsigned" | undefined =>
  stores.has(command) || command === "cas" ? place === 2 ? "unsigned" : place < 5 ? "signed" : undefined : undefined

/** Positions of numbers, counted from the command. */
const numbers: { readonly [command: string]: ReadonlyArray<number> } = {
  set: [2, 3, 4],
  add: [2, 3, 4],
  replace: [2, 3, 4],
  append: [2, 3, 4],
  prepend: [2, 3, 4],
  cas: [2, 3, 4, 5],
  incr: [2],
  decr: [2],
  touch: [2],
  gat: [1],
  gats: [1],
  ms: [2],
  flush_all: [1],
  verbosity: [1]
}

/** A request line without its end, in the one spelling that clients should write. */
export const canonicalLine = (line: string): string => {
  const tokens = line.split(" ").filter((token) => token !== "")
  const command = tokens[0] ?? ""
  if (withoutArguments.has(command)) return command
  if (command === "shutdown" && tokens[1] !== "graceful") return command
  if (command === "stats" && tokens[1] === "cachedump") return tokens.slice(0, 4).join(" ")
  if (command === "verbosity" && tokens.length > 3) return ["verbosity", tokens[1]!].join(" ")
  // a sixth token is looked at only for this word
  if (stores.has(command) && tokens.length === 6 && tokens[5] !== "noreply") tokens.pop()
  const isMeta = /^m[gsda]$/.test(command)
  return tokens.map((token, i) =>
    numbers[command]?.includes(i) === true
      ? number(token, cutOf(command, i))
      : isMeta && i > (command === "ms" ? 2 : 1)
      ? bareFlags.exec(token)?.[1] ?? token
      : token
  ).join(" ")
}
