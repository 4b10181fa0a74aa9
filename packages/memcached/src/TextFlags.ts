/**
 * Flags of meta requests, read in their order as memcached 1.6.18 does: some errors end the reading, others are told unless a later one is.
 *
 * Source: memcached 1.6.18 `proto_text.c`, "meta"; vectors `mg-*`, `ms-*`, `md-*`, `ma-*`, `base64-*`.
 */
import { byteOf } from "./Ascii.ts"
import { decodeKey } from "./Base64Key.ts"
import { hitFact, lastAccessFact, type MetaFlags, sizeFact, timeToLiveFact } from "./TextRequest.ts"
import { signed32, unsigned32, unsigned64 } from "./TextNumbers.ts"

/** Longest token of an opaque, its `O` included. */
const longestOpaque = 32
/** First byte that memcached takes for a flag it has seen. */
const firstSeen = 127

const b = byteOf("b")
const c = byteOf("c")
const f = byteOf("f")
const h = byteOf("h")
const k = byteOf("k")
const l = byteOf("l")
const q = byteOf("q")
const s = byteOf("s")
const t = byteOf("t")
const u = byteOf("u")
const v = byteOf("v")
const C = byteOf("C")
const D = byteOf("D")
const F = byteOf("F")
const I = byteOf("I")
const J = byteOf("J")
const L = byteOf("L")
const M = byteOf("M")
const N = byteOf("N")
const O = byteOf("O")
const P = byteOf("P")
const R = byteOf("R")
const T = byteOf("T")

const badToken = "CLIENT_ERROR bad token in command line format"

/** What flags say, and what is wrong with them. One is used for all requests, one after the other. */
export class FlagReader implements MetaFlags {
  base64 = false
  quiet = false
  value = false
  noBump = false
  invalidate = false
  timeToLiveBefore = false
  tells = false
  facts = 0
  timeToLive: number | undefined
  vivify: number | undefined
  recache: number | undefined
  clientFlags = 0
  cas: bigint | undefined
  delta: bigint | undefined
  initial: bigint | undefined
  /** The letter of `M`; 0: there is none. */
  mode = 0
  /** An opaque is too long, which is found out after everything else. */
  opaqueTooLong = false
  /** The key that `b` made, when there is one. */
  key: string | undefined

  /**
   * Reads the tokens from `first` on, whose ends are in `starts` and `ends`; the key is that of token 1. Returns what is wrong.
   */
  read(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, first: number, count: number): string | undefined {
    this.base64 =
      this.quiet =
      this.value =
      this.noBump =
      this.invalidate =
      this.timeToLiveBefore =
      this.opaqueTooLong =
        false
    this.facts = this.clientFlags = this.mode = 0
    this.timeToLive = this.vivify = this.recache = undefined
    this.cas = this.delta = this.initial = undefined
    this.key = undefined
    let wrong: string | undefined
    let seen = 0
    let seenCapital = 0
    for (let token = first; token < count; token++) {
      const at = starts[token]!
      const end = ends[token]!
      const last = end - 1
      const letter = bytes[at]!
      const bit = 1 << (letter & 31)
      if (letter >= firstSeen || ((letter & 32) === 0 ? seenCapital : seen) & bit) return "CLIENT_ERROR duplicate flag"
      if ((letter & 32) === 0) seenCapital |= bit
      else seen |= bit
      switch (letter) {
        case v:
          this.value = true
          break
        case q:
          this.quiet = true
          break
        case t:
          this.facts |= timeToLiveFact
          this.timeToLiveBefore = this.timeToLive === undefined && this.vivify === undefined
          break
        case l:
          this.facts |= lastAccessFact
          break
        case h:
          this.facts |= hitFact
          break
        case s:
          this.facts |= sizeFact
          break
        case c:
        case k:
          this.tells = true
          break
        case f:
        case L:
        case P:
          break
        case u:
          this.noBump = true
          break
        case I:
          this.invalidate = true
          break
        case b:
          this.base64 = true
          this.key = decodeKey(bytes, starts[1]!, ends[1]!)
          if (this.key === undefined) wrong = "CLIENT_ERROR error decoding key"
          break
        case O:
          this.tells = true
          this.opaqueTooLong ||= end - at > longestOpaque
          break
        case T:
          this.timeToLive = signed32(bytes, at + 1, end)
          if (this.timeToLive === undefined) wrong = badToken
          break
        case N:
          this.vivify = signed32(bytes, at + 1, end)
          if (this.vivify === undefined) wrong = badToken
          break
        case R:
          this.recache = signed32(bytes, at + 1, end)
          if (this.recache === undefined) wrong = badToken
          break
        case C:
          this.cas = unsigned64(bytes, at + 1, end)
          if (this.cas === undefined) wrong = badToken
          break
        case F: {
          const flags = unsigned32(bytes, at + 1, end)
          if (flags === undefined) wrong ??= "CLIENT_ERROR bad command line format"
          else this.clientFlags = flags
          break
        }
        case M:
          if (end - at === 2) this.mode = bytes[last]!
          else wrong = "CLIENT_ERROR incorrect length for M token"
          break
        case J:
          this.initial = unsigned64(bytes, at + 1, end)
          if (this.initial === undefined) wrong = "CLIENT_ERROR invalid numeric initial value"
          break
        case D:
          this.delta = unsigned64(bytes, at + 1, end)
          if (this.delta === undefined) wrong = "CLIENT_ERROR invalid numeric delta value"
          break
        default:
          return "CLIENT_ERROR invalid flag"
      }
    }
    return wrong
  }
}
