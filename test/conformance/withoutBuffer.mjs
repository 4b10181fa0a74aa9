/**
 * Runs every example of the three protocols as a browser would: with no `Buffer` in sight. Prints the number of examples. It is a program
 * of its own because modules look for `Buffer` once, when they are loaded.
 */
delete globalThis.Buffer
if (globalThis.Buffer !== undefined) throw new Error("Buffer is still there")

const { runExample } = await import("@wirewright/codec/Examples")
const { decodeText, encodeText, textLength } = await import("@wirewright/codec/Text")

let count = 0
for (const name of ["memcached", "couchbase", "dcp"]) {
  const { model, models } = await import(`@wirewright/${name}/gen/Model`)
  const protocol = await import(`@wirewright/${name}/gen/Packets`)
  for (const command of model.commands) {
    for (const example of command.examples) {
      runExample(models, protocol, command, example)
      count++
    }
  }
}

/** Bytes that are no UTF-8 in every way there is, among bytes that are. */
const nasty = [
  [],
  [0x61, 0x80],
  [0xc3, 0x28],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xef, 0xbb, 0xbf, 0x61],
  [0xef, 0xbf, 0xbd],
  [0xf0, 0x9f, 0x98, 0x80, 0xf0, 0x9f]
]
for (const bytes of nasty) {
  const from = Uint8Array.from(bytes)
  const text = decodeText(from, 0, from.length)
  const to = new Uint8Array(64)
  const size = encodeText(to, 0, text)
  if (size !== from.length || textLength(text) !== size || from.some((byte, i) => to[i] !== byte)) throw new Error(`lost ${bytes}`)
  count++
}
if (globalThis.Buffer !== undefined) throw new Error("something brought Buffer back")
console.log(count)
