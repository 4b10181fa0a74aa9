/**
 * What a real Couchbase 6.0 node answered, and the same requests asked of the embedded node.
 *
 * Knows lengths and nothing else: no codec of this project takes part. What differs from run to run by nature is compared by its structure:
 * a CAS by whether there is one, the seqno of a mutation token by being the next one, its UUID by being that of the vbucket.
 */
import { HelloFeature } from "@wirewright/couchbase/gen"
import { packet, RawClient } from "@wirewright/memcached/RawClient.fixture"
import { readFileSync } from "node:fs"

type Value = string | { readonly text: string } | { readonly repeat: string; readonly count: number } | { readonly length: number }

interface Request {
  readonly opcode: string
  readonly key?: string
  readonly extras?: string
  readonly value?: Value
  readonly cas?: string
  readonly datatype?: number
  readonly vbucket?: number
  readonly saveCasAs?: string
}

/** What came back; of a list of packets the first three and how many there were before the empty one. */
interface Packet {
  readonly status?: string
  readonly datatype?: number
  readonly cas?: string
  readonly extras?: string
  readonly key?: string
  readonly value?: Value
}

type RecordedAnswer = Packet | { readonly stat: ReadonlyArray<Packet>; readonly count: number } | "none" | "closed"

/** Requests and answers of one case, in order. */
export interface RecordedCase {
  readonly name: string
  readonly steps: ReadonlyArray<readonly [request: Request, answer: RecordedAnswer]>
}

const { cases, texts } = JSON.parse(readFileSync(new URL("../fixtures/real-6.0-kv.json", import.meta.url), "utf8")) as {
  readonly cases: ReadonlyArray<RecordedCase>
  readonly texts: { readonly [name: string]: string }
}

/** All that was recorded. */
export const recorded = cases

/** What was negotiated when it was recorded. */
export const recordedFeatures = [
  HelloFeature.Xattr,
  HelloFeature.Xerror,
  HelloFeature.SelectBucket,
  HelloFeature.Snappy,
  HelloFeature.Json,
  HelloFeature.MutationSeqno
]

/** Vbuckets of the recorded bucket. */
export const recordedVbuckets = 8

/** An answer as it is compared. */
export interface Shown {
  readonly status: number
  readonly datatype: number
  readonly cas: "0" | "nonzero"
  readonly extras: string
  readonly key: string
  readonly value: string | { readonly length: number }
}

/** A list of packets, or one, or what happened instead. */
export type Answered = Shown | { readonly list: ReadonlyArray<Shown>; readonly count: number } | "none" | "closed"

const bytesOf = (value: Value = ""): Buffer => {
  if (typeof value === "string") return Buffer.from(value, "hex")
  if ("text" in value) return Buffer.from(texts[value.text]!, "hex")
  return "repeat" in value ? Buffer.alloc(value.count, value.repeat, "hex") : Buffer.alloc(value.length)
}

const stat = "0x10"
const noop = 0x0a

/** Texts of errors explain; what they say is not the protocol's business, and 6.0 mostly said nothing. */
const isExplanation = (status: number, body: string): boolean => status !== 0 && /^\{"error":\{.*\}\}$/.test(body)

const shownPacket = (status: number, datatype: number, cas: boolean, extras: string, key: string, body: Buffer | Value): Shown => {
  const bytes = Buffer.isBuffer(body) ? body : bytesOf(body)
  const explained = isExplanation(status, bytes.toString())
  return {
    status,
    datatype: explained ? 0 : datatype,
    cas: cas ? "nonzero" : "0",
    extras,
    key,
    value: !Buffer.isBuffer(body) && typeof body === "object" && "length" in body
      ? { length: body.length }
      : explained
      ? ""
      : bytes.toString("hex")
  }
}

const shownRecorded = ({ cas = "0", datatype = 0, extras = "", key = "", status = "0", value = "" }: Packet): Shown =>
  shownPacket(Number(status), datatype, cas !== "0", extras, key, value)

/** What was recorded, as it is compared. */
export const shownAnswer = (answer: RecordedAnswer): Answered => {
  if (typeof answer === "string") return answer
  if ("stat" in answer) return { list: answer.stat.map(shownRecorded), count: answer.count }
  return shownRecorded(answer)
}

const shownBytes = (bytes: Buffer): Shown => {
  const extras = 24 + bytes[4]!
  const key = extras + bytes.readUInt16BE(2)
  const [extrasBytes, keyBytes, value] = [bytes.subarray(24, extras), bytes.subarray(extras, key), bytes.subarray(key)]
  const cas = bytes.readBigUInt64BE(16) !== 0n
  return shownPacket(bytes.readUInt16BE(6), bytes[5]!, cas, extrasBytes.toString("hex"), keyBytes.toString("hex"), value)
}

/** The requests of a case asked of a node on `port`, on a connection that has negotiated what was negotiated then. */
export const replayed = async (port: number, steps: RecordedCase["steps"]): Promise<ReadonlyArray<Answered>> => {
  const client = await RawClient.connect(port)
  const ask = async (bytes: Buffer): Promise<Buffer> => {
    client.send(bytes)
    return (await client.packets(1))[0]!
  }
  try {
    await ask(packet(0x1f, { key: "recorded", value: Buffer.from(recordedFeatures.flatMap((one) => [one >> 8, one & 0xff])) }))
    await ask(packet(0x89, { key: "default" }))
    const saved = new Map<string, bigint>()
    const answers: Array<Answered> = []
    for (const [{ cas = "0", datatype = 0, extras = "", key = "", opcode, saveCasAs, value, vbucket = 0 }, expected] of steps) {
      const given = cas.startsWith("!") ? saved.get(cas.slice(1))! + 1n : saved.get(cas) ?? BigInt(cas)
      const bytes = packet(Number(opcode), { extras, value: Buffer.concat([Buffer.from(key, "hex"), bytesOf(value)]), cas: given })
      bytes.writeUInt16BE(key.length / 2, 2)
      bytes[5] = datatype
      bytes.writeUInt16BE(vbucket, 6)
      try {
        if (expected === "none") {
          // what answers the packet behind it had nothing to say to this one
          client.send(bytes)
          const next = await ask(packet(noop))
          answers.push(next[1] === noop ? "none" : shownBytes(next))
          continue
        }
        const list = [await ask(bytes)]
        if (opcode === stat) {
          while (list.at(-1)!.length > 24 && list.at(-1)!.readUInt16BE(6) === 0) list.push((await client.packets(1))[0]!)
          answers.push({ list: list.slice(0, 3).map(shownBytes), count: list.length - 1 })
          continue
        }
        if (saveCasAs !== undefined) saved.set(saveCasAs, list[0]!.readBigUInt64BE(16))
        answers.push(shownBytes(list[0]!))
      } catch (error) {
        if (!String(error).includes("closed")) throw error
        answers.push("closed")
      }
    }
    return answers
  } finally {
    client.close()
  }
}
