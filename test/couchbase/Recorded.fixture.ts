/**
 * What a real Couchbase 6.0 node answered, and the same requests asked of the embedded node.
 *
 * Knows lengths and nothing else: no codec of this project takes part. What differs from run to run by nature is compared by its structure:
 * a CAS by whether there is one, the seqno of a mutation token by being the next one, its UUID by being that of the vbucket.
 */
import { HelloFeature } from "@wirewright/couchbase/gen"
import { packet, RawClient } from "../../packages/memcached/src/RawClient.fixture.ts"
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
  readonly value: string
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

interface Parts {
  readonly status: number
  readonly datatype: number
  readonly cas: boolean
  readonly extras: string
  readonly key: string
  readonly value: Buffer
}

/** How a history is shown: its UUID is another one on every node, and seqnos go on from where the case began. */
interface History {
  readonly uuid: bigint
  readonly first: bigint | undefined
}

const shown = ({ cas, datatype, extras, key, status, value }: Parts, { first, uuid }: History): Shown => {
  const explained = isExplanation(status, value.toString())
  const hex = uuid.toString(16).padStart(16, "0")
  const isToken = extras.length === 32 && extras.startsWith(hex)
  const isUuid = /:\d+:id$/.test(Buffer.from(key, "hex").toString()) && value.toString() === String(uuid)
  return {
    status,
    datatype: explained ? 0 : datatype,
    cas: cas ? "nonzero" : "0",
    extras: isToken ? `uuid +${BigInt(`0x${extras.slice(16)}`) - first!}` : extras,
    key,
    value: explained
      ? ""
      : isUuid
      ? "uuid"
      : value.length > 1_000_000
      ? `${value.length} bytes`
      : value.toString("hex").replaceAll(hex, "uuid")
  }
}

const seqnoOf = (extras: string): bigint | undefined => extras.length === 32 ? BigInt(`0x${extras.slice(16)}`) : undefined

/** The UUID of vbucket 0 of the recorded node, where all of it took place. */
const recordedUuid = 0x3cdae32d87c3n

const shownRecorded = (packet: Packet, history: History): Shown => {
  const { cas = "0", datatype = 0, extras = "", key = "", status = "0", value = "" } = packet
  return shown({ status: Number(status), datatype, cas: cas !== "0", extras, key, value: bytesOf(value) }, history)
}

/** What was recorded, as it is compared. */
export const shownAnswers = (steps: RecordedCase["steps"]): ReadonlyArray<Answered> => {
  const tokens = steps.map(([, answer]) => typeof answer === "string" || "stat" in answer ? undefined : seqnoOf(answer.extras ?? ""))
  const history = { uuid: recordedUuid, first: tokens.find((one) => one !== undefined) }
  return steps.map(([, answer]) => {
    if (typeof answer === "string") return answer
    if ("stat" in answer) return { list: answer.stat.map((one) => shownRecorded(one, history)), count: answer.count }
    return shownRecorded(answer, history)
  })
}

const partsOf = (bytes: Buffer): Parts => {
  const extras = 24 + bytes[4]!
  const key = extras + bytes.readUInt16BE(2)
  return {
    status: bytes.readUInt16BE(6),
    datatype: bytes[5]!,
    cas: bytes.readBigUInt64BE(16) !== 0n,
    extras: bytes.subarray(24, extras).toString("hex"),
    key: bytes.subarray(extras, key).toString("hex"),
    value: bytes.subarray(key)
  }
}

/** Length of a value of which only the length was recorded. */
const unrecorded = (answer: RecordedAnswer): number | undefined =>
  typeof answer === "object" && "value" in answer && typeof answer.value === "object" && "length" in answer.value
    ? answer.value.length
    : undefined

/**
 * The requests of a case asked of a node on `port`, on a connection that has negotiated what was negotiated then. `uuid` is that of the node's
 * vbucket 0.
 */
export const replayed = async (port: number, uuid: bigint, steps: RecordedCase["steps"]): Promise<ReadonlyArray<Answered>> => {
  let history: History = { uuid, first: undefined }
  const shownBytes = (bytes: Buffer): Shown => {
    const parts = partsOf(bytes)
    history = { uuid, first: history.first ?? seqnoOf(parts.extras) }
    return shown(parts, history)
  }
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
        const answer = shownBytes(list[0]!)
        const length = unrecorded(expected)
        // of which the bytes are not known, something must be there
        answers.push(length === undefined || answer.value === "" ? answer : { ...answer, value: Buffer.alloc(length).toString("hex") })
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
