/** What bytes are of, among several protocols: whole packets, broken ones, text, and captures of others. */
import { detect, detectCapture, type ProtocolAdapter } from "@wirewright/inspector/reading"
import { readFileSync } from "node:fs"
import { beforeAll, expect, it } from "vitest"
import { gunzipSync } from "node:zlib"
import { loadPageProtocol, loadProtocol } from "../../packages/cli/src/Protocols.ts"

let adapters: ReadonlyArray<ProtocolAdapter>

beforeAll(async () => {
  const gallery = ["resp", "postgres", "mqtt"].map((name) =>
    new URL(`../../packages/examples/src/gallery/${name}`, import.meta.url).pathname
  )
  adapters = [
    await loadPageProtocol("dcp"),
    await loadPageProtocol("memcached"),
    await loadPageProtocol("deepstream"),
    ...await Promise.all(gallery.map((name) => loadProtocol(name)))
  ]
})

const dcpOpen = "80500018080000000000002000000001000000000000000000000000000000016275636b657473747265616d2076625b3130302d3130355d"
const text = (words: string): string => Buffer.from(words).toString("hex")

it.each([
  ["a DCP packet", dcpOpen, "dcp", 1],
  ["a DCP packet with a wrong length", `8050001807${dcpOpen.slice(10)}`, "dcp", undefined],
  ["the beginning of a DCP packet", dcpOpen.slice(0, 60), "dcp", undefined],
  ["a line of memcached", text("get foo\r\n"), "memcached", 1],
  ["an answer of memcached", text("VALUE foo 0 1\r\nx\r\nEND\r\n"), "memcached", 1],
  ["a message of deepstream", text("E\u001fS\u001ftest1\u001e"), "deepstream", 1],
  ["a command of Redis", text("*1\r\n$4\r\nPING\r\n"), "resp", 1],
  ["an error of Redis", text("-ERR unknown command\r\n"), "resp", 1],
  ["CONNECT of MQTT", "101000044d5154540402003c000474657374", "mqtt", 1]
])("%s", (_, hex, protocol, share) => {
  const found = detect(adapters, Buffer.from(hex, "hex"))
  expect(found.adapter.name).toBe(protocol)
  if (share !== undefined) expect(found.share).toBe(share)
})

it.each([
  ["couchbase-6.5-collections.pcapng.gz", "dcp"],
  ["memcached-1.6.18-text.pcapng.gz", "memcached"]
])("the capture %s", (name, protocol) => {
  const bytes = gunzipSync(readFileSync(new URL(`../fixtures/captures/${name}`, import.meta.url)))
  expect(detectCapture(adapters, bytes).name).toBe(protocol)
})
