/**
 * What clients said to real servers, said to the embedded node: it answers with the statuses that were recorded.
 *
 * All requests but those of DCP, in the order of the recording, each on a connection of its stream and at the time of day at which it was
 * captured. SCRAM gets the recorded salts and nonces, so that the recorded proofs are valid and the server's signatures must be the recorded
 * ones. What is answered otherwise on purpose is in test/fixtures/replay-exceptions.json with the reason.
 */
import { connect, type Socket } from "node:net"
import { readFileSync } from "node:fs"
import { Framer, hexOf, Reader } from "@wirewright/codec"
import { statusTable } from "@wirewright/couchbase/gen"
import { decode, type Packet } from "@wirewright/dcp/gen/Packets"
import { type SaslRandom, serveCouchbase } from "@wirewright/embedded"
import { uncompress } from "@wirewright/dcp/producer"
import { frameShape } from "@wirewright/memcached/gen/Frame"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { type RecordedPacket, readRecording, recordings } from "./recordings.fixture.ts"

interface Exceptions {
  readonly statuses: ReadonlyArray<{
    readonly recording: string
    readonly request: string
    readonly recorded: string
    readonly ours: string
    readonly times: number
  }>
}

const exceptions = JSON.parse(readFileSync(new URL("../fixtures/replay-exceptions.json", import.meta.url), "utf8")) as Exceptions

/** A request and what the server answered. */
interface Exchange {
  readonly request: RecordedPacket
  readonly response: RecordedPacket
}

const opaqueOf = ({ bytes }: RecordedPacket): string => hexOf(bytes.subarray(12, 16))

/** Pairs requests with their responses; DCP and what belongs to it is left out. */
const exchangesOf = (packets: ReadonlyArray<RecordedPacket>): ReadonlyArray<Exchange> => {
  const out: Array<Exchange> = []
  const taken = new Set<RecordedPacket>()
  packets.forEach((request, index) => {
    const { direction, packet, stream } = request
    if (direction !== "c2s" || packet === undefined || packet._tag.startsWith("Dcp")) return
    const response = packets.slice(index).find((other) =>
      other.direction === "s2c" && other.stream === stream && other.bytes[1] === request.bytes[1] && opaqueOf(other) === opaqueOf(request)
      && !taken.has(other)
    )
    // a request behind the end of DCP's stream has no answer in the recording
    if (response?.packet === undefined) return
    taken.add(response)
    out.push({ request, response })
  })
  return out
}

const text = new TextDecoder()
const snappy = 0x02

/** Salts and nonces as the server chose them. */
const recordedRandom = (exchanges: ReadonlyArray<Exchange>): SaslRandom => {
  const challenges = new Map<string, { readonly nonce: string; readonly salt: Uint8Array }>()
  for (const { request, response } of exchanges) {
    const [sent, got] = [request.packet!, response.packet!]
    if (sent._tag !== "SaslAuth" || got._tag !== "SaslAuthResponse" || !sent.mechanism.startsWith("SCRAM")) continue
    const clientNonce = /r=([^,]*)/.exec(text.decode(sent.clientData))![1]!
    const [, nonce, salt] = /^r=([^,]*),s=([^,]*),i=4096$/.exec(text.decode(got.serverData))!
    challenges.set(sent.mechanism, { nonce: nonce!.slice(clientNonce.length), salt: new Uint8Array(Buffer.from(salt!, "base64")) })
  }
  return {
    nonce: (mechanism) => challenges.get(mechanism)?.nonce ?? "nonce",
    salt: (mechanism) => challenges.get(mechanism)?.salt ?? new Uint8Array(16)
  }
}

/** A connection that sends one request at a time. */
class Client {
  private readonly socket: Socket
  private readonly framer = new Framer(frameShape)
  private waiting: ((frame: Uint8Array) => void) | undefined
  private lost: ((error: Error) => void) | undefined

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true })
    this.socket.once("close", () => this.lost?.(new Error("the node closed the connection")))
    this.socket.on("data", (chunk) => this.framer.push(chunk, (reader, at, end) => this.waiting!(reader.bytes.slice(at, end))))
  }

  ask(request: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.waiting = resolve
      this.lost = reject
      this.socket.write(request)
    })
  }

  close(): void {
    this.socket.destroy()
  }
}

const statusName = (packet: Packet): string =>
  "status" in packet ? statusTable[packet.status]?.name ?? `0x${packet.status.toString(16)}` : "?"

/** What a response says, besides its status, that our node must say too. */
const said = (packet: Packet, seqnos: boolean): unknown => {
  switch (packet._tag) {
    case "GetResponse": {
      // our node never compresses what it sends, which no client may rely on
      const compressed = (packet.datatype & snappy) !== 0
      const value = compressed ? uncompress(packet.value, 1024 * 1024) : packet.value
      return { flags: packet.flags, datatype: packet.datatype & ~snappy, value: typeof value === "string" ? value : hexOf(value) }
    }
    case "HelloResponse":
      return packet.features
    case "SaslListMechsResponse":
      return packet.mechanisms
    case "SaslStepResponse":
      return text.decode(packet.serverData)
    case "CollectionsGetIDResponse":
      return { manifestUid: packet.manifestUid, collectionId: packet.collectionId }
    case "GetFailoverLogResponse":
      return packet.failoverLog.map(({ seqno }) => seqno)
    case "GetAllVbSeqnosResponse":
      return seqnos ? packet.seqnos : packet.seqnos.map(({ vbucket }) => vbucket)
    case "SetResponse":
    case "DeleteResponse":
    case "SubdocMultiMutationResponse":
      return seqnos ? packet.mutationToken?.seqno : packet.mutationToken !== undefined
    default:
      return undefined
  }
}

const replay = async (name: string, exchanges: ReadonlyArray<Exchange>, vbuckets: number) => {
  let now = Number((exchanges[0]!.request.time ?? 0n) / 1_000_000n)
  const scope = Scope.makeUnsafe()
  const node = await Effect.runPromise(Scope.provide(
    serveCouchbase({
      now: () => now,
      buckets: [{ name: "default", vbuckets }],
      users: [
        { name: "Administrator", password: Redacted.make("password") },
        { name: "reader", password: Redacted.make("readerpw"), mayWrite: false }
      ],
      saslRandom: recordedRandom(exchanges)
    }),
    scope
  ))
  const clients = new Map<number, Client>()
  const differences: Array<string> = []
  const used = new Map<string, number>()
  // collections use seqnos of their own for system events, which come with DCP
  const seqnos = name === "couchbase-6.0-session"
  try {
    for (const { request, response } of exchanges) {
      now = Math.max(now, Number((request.time ?? 0n) / 1_000_000n))
      const client = clients.get(request.stream) ?? new Client(node.port)
      clients.set(request.stream, client)
      const got = decode(new Reader(await client.ask(request.bytes)), 0, response.states)
      const wanted = response.packet!
      const where = `stream ${request.stream}, ${request.packet!._tag} ${hexOf(request.bytes.subarray(12, 16))}`
      const [recorded, ours] = [statusName(wanted), statusName(got)]
      if (recorded !== ours) {
        const key = [name, request.packet!._tag, recorded, ours].join(" ")
        used.set(key, (used.get(key) ?? 0) + 1)
        const known = exceptions.statuses.some((one) => [one.recording, one.request, one.recorded, one.ours].join(" ") === key)
        if (!known) differences.push(`${where}: recorded ${recorded}, ours ${ours}`)
        continue
      }
      const print = (packet: Packet): string =>
        JSON.stringify(said(packet, seqnos), (_, value: unknown) => typeof value === "bigint" ? String(value) : value) ?? ""
      if (print(got) !== print(wanted)) differences.push(`${where}: recorded ${print(wanted)}, ours ${print(got)}`)
    }
  } finally {
    for (const client of clients.values()) client.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
  return { differences, used }
}

for (const recording of recordings) {
  describe(recording.name, () => {
    const exchanges = exchangesOf(readRecording(recording).packets)

    it("is answered as it was recorded", async () => {
      expect(exchanges.length).toBeGreaterThan(50)
      const { differences, used } = await replay(recording.name, exchanges, 4)
      expect(differences).toEqual([])
      const expected = exceptions.statuses.filter((one) => one.recording === recording.name)
      expect(Object.fromEntries(used)).toEqual(
        Object.fromEntries(expected.map((one) => [[one.recording, one.request, one.recorded, one.ours].join(" "), one.times]))
      )
    })
  })
}
