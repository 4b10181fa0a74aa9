/**
 * Flags of meta requests, read in their order as memcached 1.6.18 does: some errors end the reading, others are told unless a later one is.
 *
 * Source: memcached 1.6.18 `proto_text.c`, "meta"; vectors `mg-*`, `ms-*`, `md-*`, `ma-*`, `base64-*`.
 */
import { decodeKey } from "./Base64Key.ts"
import { hitFact, lastAccessFact, type MetaFlags, sizeFact, timeToLiveFact } from "./TextRequest.ts"
import { signed32, unsigned32, unsigned64 } from "./TextNumbers.ts"

/** Longest token of an opaque, its `O` included. */
const longestOpaque = 32
/** First byte that memcached takes for a flag it has seen. */
const firstSeen = 127

const [b, c, f, h, k, l, q, s, t, u, v] = [0x62, 0x63, 0x66, 0x68, 0x6b, 0x6c, 0x71, 0x73, 0x74, 0x75, 0x76]
const [C, D, F, I, J, L, M, N, O, P, R, T] = [0x43, 0x44, 0x46, 0x49, 0x4a, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x52, 0x54]

const badToken = "CLIENT_ERROR bad token in command line format"

/** What flags say, and what is wrong with them. One is used for all requests, one after the other. */
export class FlagReader implements MetaFlags {
  base64 = false
  quiet = false
  value = false
  noBump = false
  invalidate = false
  timeToLiveBefore = false
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
        case f:
        case k:
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
          if (end - at === 2) this.mode = bytes[at + 1]!
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
