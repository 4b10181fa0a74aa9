/**
 * 401 conversations with memcached 1.6.18 (and what 1.6.45 answered where that differs): what it answered is read and written byte for byte;
 * what it took is read, as it is or once its line is in the one spelling; what is refused it has refused, too.
 */
import { DecodeError, hexOf, Reader, Writer } from "@wirewright/codec"
import * as Text from "@wirewright/memcached/text"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { canonicalLine } from "./MemcachedLine.ts"

type Parts = string | ReadonlyArray<string | { readonly repeat: string; readonly times: number }>

interface Vector {
  readonly id: string
  readonly about: string
  readonly kind: string
  readonly transport?: string
  readonly options?: ReadonlyArray<string>
  readonly send: Parts
  readonly state?: ReadonlyArray<Parts | { readonly send: Parts } | { readonly sleep: number }>
  readonly answer: { readonly text?: string; readonly parts?: Parts }
  readonly newer?: { readonly text: string }
  readonly closes: boolean
}

const vectors = JSON.parse(readFileSync(new URL("../fixtures/memcached-text.json", import.meta.url), "utf8")) as ReadonlyArray<Vector>

/** Bytes of a text whose characters are bytes; what was captured from an answer is any number. */
const bytesOf = (parts: Parts): Uint8Array => {
  const text = typeof parts === "string" ? parts : parts.map((one) => typeof one === "string" ? one : one.repeat.repeat(one.times)).join("")
  return Buffer.from(text.replaceAll(/\$\{\w+\}/g, "7"), "latin1")
}

/** Without the eight bytes in front of each datagram. */
const withoutDatagrams = (bytes: Uint8Array): Uint8Array => {
  const out: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length; at += 1400) out.push(bytes.subarray(at + 8, at + 1400))
  return Buffer.concat(out)
}

const contentOf = ({ transport }: Vector, parts: Parts): Uint8Array =>
  transport === "udp" ? withoutDatagrams(bytesOf(parts)) : bytesOf(parts)

const written = (packet: Text.Packet): Uint8Array => {
  const writer = new Writer()
  Text.encode(writer, packet)
  return writer.take()
}

/** Packets of some bytes, each checked to be written as it came; stops where more would have to come. */
const read = (bytes: Uint8Array, decode: (reader: Reader, at: number) => Text.Packet, refused: (at: number) => number): Array<string> => {
  const reader = new Reader(bytes)
  const tags: Array<string> = []
  for (let at = 0; at < bytes.length;) {
    try {
      const packet = decode(reader, at)
      const end = reader.next
      if (end - at < 100_000 || tags.length < 4) expect(hexOf(written(packet))).toBe(hexOf(bytes.subarray(at, end)))
      tags.push(packet._tag)
      at = end
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      if (error.incomplete) break
      at = refused(at)
    }
  }
  return tags
}

/** What comes of requests: packets, packets once a line is rewritten, lines that are refused. */
const requests = (bytes: Uint8Array): { exact: Array<string>; rewritten: Array<string>; refused: Array<string> } => {
  const out = { exact: [] as Array<string>, rewritten: [] as Array<string>, refused: [] as Array<string> }
  out.exact = read(bytes, Text.decodeRequest, (at) => {
    const found = bytes.indexOf(0x0a, at)
    const end = found === -1 ? bytes.length : found
    const line = Buffer.from(bytes.subarray(at, end > at && bytes[end - 1] === 0x0d ? end - 1 : end)).toString("latin1")
    const rewritten = Buffer.concat([Buffer.from(`${canonicalLine(line)}\r\n`, "latin1"), bytes.subarray(end + 1)])
    try {
      const reader = new Reader(rewritten)
      out.rewritten.push(Text.decodeRequest(reader)._tag)
      return end + 1 + reader.next - rewritten.indexOf(0x0a) - 1
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      // what has no end is no line yet
      if (found !== -1) out.refused.push(line.slice(0, 40))
      return end + 1
    }
  })
  return out
}

const isBinary = (parts: Parts): boolean => typeof parts === "string" && (parts.startsWith("\u0081") || parts.startsWith("\u0080"))

/** Refused by memcached, too, or special: but its answer does not say so. */
const silent: { readonly [id: string]: string } = {
  "admin-016": "noreply hides the error",
  "delete-008": "noreply hides the error",
  "auth-015": "before authentication flags and exptime may be any text"
}

const answersOf = ({ answer, newer }: Vector): ReadonlyArray<Parts> => [
  answer.text ?? answer.parts ?? "",
  ...newer === undefined ? [] : [newer.text]
]

describe("memcached's vectors", () => {
  it("are all there", () => expect(vectors.length).toBe(401))

  it("every answer is read, and written as it came", () => {
    const wrong: Array<string> = []
    const tags = new Map<string, number>()
    for (const vector of vectors) {
      for (const answer of answersOf(vector)) {
        if (isBinary(answer)) continue
        // the newest server sends a stray empty line after one error
        const bytes = Buffer.from(contentOf(vector, answer))
        for (
          const tag of read(bytes, Text.decodeResponse, (at) => {
            const end = bytes.indexOf(0x0a, at)
            const line = bytes.subarray(at, end === -1 ? bytes.length : end + 1).toString("latin1")
            if (line !== "\r\n" || !/get-01[678]/.test(vector.id)) wrong.push(`${vector.id}: ${JSON.stringify(line)}`)
            return end === -1 ? bytes.length : end + 1
          })
        ) tags.set(tag, (tags.get(tag) ?? 0) + 1)
      }
    }
    expect(wrong).toEqual([])
    expect([...tags.values()].reduce((sum, one) => sum + one, 0)).toBeGreaterThan(800)
    console.log([...tags].map((one) => one.join(" ")).join(", "))
  })

  it("every request that memcached takes is read; what is refused was answered with an error, or closed", () => {
    const sums = { exact: 0, rewritten: 0, refused: 0 }
    const wrong: Array<string> = []
    for (const vector of vectors) {
      if (isBinary(vector.send)) continue
      const got = requests(contentOf(vector, vector.send))
      for (const key of ["exact", "rewritten", "refused"] as const) sums[key] += got[key].length
      const answers = answersOf(vector).map((one) => Buffer.from(contentOf(vector, one)).toString("latin1"))
      const isError = vector.closes || answers.some((one) => /(^|\n)(CLIENT_|SERVER_)?ERROR/.test(one))
      if (got.refused.length > 0 && !isError && silent[vector.id] === undefined) {
        wrong.push(`${vector.id} (${vector.about}): ${JSON.stringify(got.refused)}`)
      }
    }
    console.log(sums)
    expect(wrong).toEqual([])
    expect(sums.exact).toBeGreaterThan(600)
    expect(sums.rewritten).toBeGreaterThan(20)
  })

  it("what prepares a conversation is read and written as it was sent", () => {
    let count = 0
    for (const { state } of vectors) {
      for (const step of state ?? []) {
        if (typeof step === "object" && "sleep" in step) continue
        const { exact, refused, rewritten } = requests(bytesOf(typeof step === "object" && "send" in step ? step.send : step))
        expect([refused, rewritten]).toEqual([[], []])
        count += exact.length
      }
    }
    expect(count).toBeGreaterThanOrEqual(200)
  })
})
