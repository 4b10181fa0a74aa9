/**
 * Every kind of packets of every protocol that is generated here has readers of others, which read a thousand samples of the protocol as they
 * were meant, or a reason why nobody else can read it. `test/peers` asks the readers; what they read stands in `test/peers/samples/read.json`.
 */
import { describe, expect, it } from "vitest"
import config from "../../wirewright.config.ts"
import { type Ledger, ledger } from "../peers/samples/Ledger.ts"
import { protocols } from "./Protocols.ts"

/** Why nobody else reads a protocol, or one kind of its packets. */
const unread: { readonly [protocol: string]: string | { readonly [kind: string]: string } } = {
  amqp: { greeting: "Wireshark takes other versions for AMQP 1.0; RabbitMQ's and amqplib's own greetings are in the recordings" },
  capture: "files, not packets: tshark reads what is written in test/peers/tshark-captures.test.ts",
  couchbase: "tshark reads every layout of the largest dialect in test/peers/tshark-encoder.test.ts",
  dcp: "tshark reads every layout in test/peers/tshark-encoder.test.ts",
  measured: "an example of the documentation: nobody else speaks it",
  memcached: { serverRequest: "only Couchbase sends it", serverResponse: "only Couchbase is sent it" },
  memcachedDatagram: "eight bytes before lines of text: memcached's own are in test/fixtures/memcached-udp.json",
  postgres: {
    encryption: "one byte without a length; servers' own are in the recordings",
    gss: "only what the server asked for tells it from a password",
    sasl: "only what the server asked for tells it from a password"
  },
  tls: { ciphertext: "encrypted: nobody reads it without keys", plaintext: "records: handshakeMessage is read within them" },
  usb: "lsusb reads whole devices in test/peers/gallery/ours.test.ts"
}

const names = config.targets.flatMap(({ protocol }) => protocol === undefined ? [] : [protocol])
const read: Ledger = ledger()

/** Kinds of packets; unknown where the tests of samples do not load the protocol. */
const kindsOf = (name: string): ReadonlyArray<string> =>
  protocols.find(({ catalog }) => catalog.name === name)?.catalog.frame.kinds.map((kind) => kind.name) ?? []

describe.each(names.map((name) => [name]))("%s", (name) => {
  const entries = Object.entries(read[name] ?? {})
  const reason = unread[name]

  it.skipIf(typeof reason === "string")("has been read a thousand times as meant by somebody else", () => {
    const right = entries.map(([reader, { right: count }]) => `${reader} ${count}`)
    const sum = entries.reduce((all, [, entry]) => all + entry.right, 0)
    expect(sum, right.join(", ")).toBeGreaterThanOrEqual(1_000)
  })

  it.skipIf(typeof reason === "string")("has a reader for every kind of packets, or a reason", () => {
    const known = new Set(entries.flatMap(([, { kinds }]) => kinds))
    const missing = kindsOf(name).filter((kind) => !known.has(kind))
    expect(missing.toSorted()).toEqual(Object.keys(typeof reason === "object" ? reason : {}).toSorted())
  })

  it.skipIf(reason === undefined)("has a reason only where it has no reader", () => {
    if (typeof reason === "string") expect(entries).toEqual([])
  })
})

it("names no protocol that is not there", () => {
  expect(Object.keys({ ...read, ...unread }).filter((name) => !names.includes(name))).toEqual([])
})

it("says how much of each protocol is read", () => {
  const lines = Object.entries(read).flatMap(([name, readers]) =>
    Object.entries(readers).map(([reader, { apart, right, samples, values, version }]) =>
      `${name}: ${reader} ${version} read ${right} of ${samples} with ${values} values; ${
        Object.values(apart).reduce((sum, count) => sum + count, 0)
      } apart`
    )
  )
  console.log(lines.join("\n"))
  expect(Object.values(read).flatMap((readers) => Object.values(readers)).every(({ right, samples }) => right <= samples)).toBe(true)
})
