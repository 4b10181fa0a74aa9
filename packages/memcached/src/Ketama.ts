/**
 * Which of several servers a key belongs to: ketama's ring of points, as libmemcached lays it, so that clients of both find each other's
 * documents.
 *
 * Source of the rules: libmemcached 1.1.4, `MEMCACHED_BEHAVIOR_KETAMA` and `MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`, whose answers are in
 * test/fixtures/ketama.json. Pure.
 */
import { encodeText, textBound } from "@wirewright/codec"
import { hash } from "node:crypto"

/** A server of a ring. */
export interface RingServer {
  /**
   * As it is written in the options of all clients of these servers: the text is hashed, so `localhost` and `127.0.0.1` are two. Of a Unix socket,
   * its path.
   */
  readonly host: string
  /** Of a Unix socket, 0. */
  readonly port: number
  /** Share of the keys, relative to the other servers'; a whole number from 1 to 4294967295. Default: 1 */
  readonly weight?: number | undefined
}

/**
 * How a ring is laid. `ketama-weighted`: by MD5, libmemcached's `KETAMA_WEIGHTED`, which PHP calls `OPT_LIBKETAMA_COMPATIBLE` and pylibmc
 * `ketama_weighted`. `ketama`: by Jenkins's one-at-a-time hash, libmemcached's `KETAMA` with the hash that it has by default, which pylibmc calls
 * `ketama` and PHP `DISTRIBUTION_CONSISTENT`.
 */
export type Distribution = "ketama-weighted" | "ketama"

/** This port is left out of the text that is hashed. */
const unnamedPort = 11_211
const pointsPerServer = 100
/** Points of a server of average weight. Four are taken from each digest. */
const weightedPoints = 160
const perDigest = 4

/** Bob Jenkins's hash. libhashkit takes bytes as signed characters, where the machine does, as x86 and ours. */
const oneAtATime = (bytes: Uint8Array): number => {
  let value = 0
  for (const byte of bytes) {
    value = value + (byte << 24 >> 24) | 0
    value = value + (value << 10) | 0
    value ^= value >>> 6
  }
  value = value + (value << 3) | 0
  value ^= value >>> 11
  return value + (value << 15) >>> 0
}

const digest = (bytes: Uint8Array): Buffer => hash("md5", bytes, "buffer")

/** A number of 32 bits of a digest. */
const pointOf = (bytes: Buffer, place: number): number => bytes.readUInt32LE(place * 4)

/** Points of a server on a weighted ring, in the floats that libmemcached calculates with; a server of a very small share may have none. */
const shareOf = (weight: number, total: number, servers: number): number => {
  const { fround } = Math
  const share = fround(fround(weight) / fround(total))
  return Math.floor(fround(fround(fround(share * weightedPoints) / perDigest) * servers)) * perDigest
}

/** A ring. Keys are text or bytes; servers are their places in the list that was given. */
export class Ketama {
  readonly size: number
  private readonly points: Uint32Array
  private readonly owners: Uint32Array
  private readonly hash: (bytes: Uint8Array) => number
  private scratch = new Uint8Array(1024)

  /** @throws RangeError when there is no server, or a weight is no whole number from 1 to 4294967295 */
  constructor(servers: ReadonlyArray<RingServer>, distribution: Distribution = "ketama-weighted") {
    this.size = servers.length
    if (servers.length === 0) throw new RangeError("a ring has no server")
    this.hash = distribution === "ketama" ? oneAtATime : (bytes) => pointOf(digest(bytes), 0)
    // a weight above 1 makes libmemcached lay weighted points, also where keys are not hashed with MD5
    const weighted = distribution === "ketama-weighted" || servers.some(({ weight = 1 }) => weight > 1)
    let total = 0
    for (const { host, port, weight = 1 } of servers) {
      if (!Number.isInteger(weight) || weight < 1 || weight > 0xffff_ffff) {
        throw new RangeError(`the weight of ${host}:${port} is ${weight}, not a whole number from 1 to 4294967295`)
      }
      total += weight
    }
    const points: Array<{ readonly at: number; readonly owner: number }> = []
    for (const [owner, { host, port, weight = 1 }] of servers.entries()) {
      const name = port === unnamedPort ? host : `${host}:${port}`
      const per = weighted ? perDigest : 1
      const count = weighted ? shareOf(weight, total, servers.length) : pointsPerServer
      for (let i = 0; i < count / per; i++) {
        const bytes = this.bytesOf(`${name}-${i}`)
        if (!weighted) points.push({ at: this.hash(bytes), owner })
        else {
          const digested = digest(bytes)
          for (let place = 0; place < perDigest; place++) points.push({ at: pointOf(digested, place), owner })
        }
      }
    }
    // of two servers with the same point, the one that was given first has it
    points.sort((left, right) => left.at - right.at)
    this.points = Uint32Array.from(points, ({ at }) => at)
    this.owners = Uint32Array.from(points, ({ owner }) => owner)
  }

  /** The server of a key. */
  serverOf(key: string | Uint8Array): number {
    return this.size === 1 ? 0 : this.owners[this.after(key)]!
  }

  /** All servers, in the order in which the ring has them from the key on. */
  *serversOf(key: string | Uint8Array): Generator<number> {
    const { owners, size } = this
    const first = this.after(key)
    const seen = new Set<number>()
    for (let i = 0; i < owners.length && seen.size < size; i++) {
      const owner = owners[(first + i) % owners.length]!
      if (seen.has(owner)) continue
      seen.add(owner)
      yield owner
    }
  }

  /** The first point at or after the key's. */
  private after(key: string | Uint8Array): number {
    const wanted = this.hash(typeof key === "string" ? this.bytesOf(key) : key)
    const { points } = this
    let low = 0
    let high = points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (points[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low === points.length ? 0 : low
  }

  private bytesOf(key: string): Uint8Array {
    const bound = textBound(key) + 4
    if (bound > this.scratch.length) this.scratch = new Uint8Array(bound)
    return this.scratch.subarray(0, encodeText(this.scratch, 0, key))
  }
}
