/** Which of tshark's fields mean which of ours. Without it, two fields that trade places would look right. */

const header: { readonly [name: string]: ReadonlyArray<string> } = {
  magic: ["magic"],
  opcode: ["opcode", "server.opcode"],
  framingLength: ["flex_extras"],
  keyLength: ["key.length"],
  extrasLength: ["extras.length"],
  datatype: ["datatype"],
  vbucket: ["vbucket"],
  status: ["status"],
  bodyLength: ["total_bodylength"],
  opaque: ["opaque"],
  cas: ["cas"]
}

/** Fields of sections, by the last part of their path, as `tshark's name: ours`. */
const names: { readonly [tshark: string]: ReadonlyArray<string> } = {
}

/** Whether tshark's field means ours. */
export const sameName = (section: string, path: string, tshark: string): boolean => {
  const short = tshark.replace(/^couchbase\./, "")
  if (section === "header") return header[path]?.includes(short) ?? false
  const last = path.split(".").at(-1)!
  return names[short]?.includes(last) ?? (process.env["WIREWRIGHT_NAMES"] !== undefined && (console.log(`NAME ${section} ${short} ${last}`), true))
}
