/**
 * Decompresses raw DEFLATE data (RFC 1951) synchronously, where there may be no Node. For messages of captures; it is bounded, and never reads
 * outside of what it is given.
 */

/** Bits of the longest code. */
const maxBits = 15

/** Codes of a length have numbers one after the other, so a table of how many there are and of their symbols tells them apart. */
interface Codes {
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
}

const codesOf = (lengths: ArrayLike<number>): Codes => {
  const counts = new Uint16Array(maxBits + 1)
  for (let symbol = 0; symbol < lengths.length; symbol++) counts[lengths[symbol]!]!++
  counts[0] = 0
  const offsets = new Uint16Array(maxBits + 2)
  for (let bits = 1; bits <= maxBits; bits++) offsets[bits + 1] = offsets[bits]! + counts[bits]!
  const symbols = new Uint16Array(lengths.length)
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const bits = lengths[symbol]!
    if (bits > 0) symbols[offsets[bits]!++] = symbol
  }
  return { counts, symbols }
}

const fixedLengths = Uint8Array.from({ length: 288 }, (_, symbol) => symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258]
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
/** Two for each number of further bits, from the second pair on. */
const distanceBase = [1, 2, 3, 4, ...Array.from({ length: 26 }, (_, i) => 1 + (2 + (i & 1) << (i >> 1) + 1))]
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13]
/** In this order lengths of the codes of lengths are sent. */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const endOfBlock = 256

/** What is wrong with the data, thrown within this file. */
class Damage extends Error {}

const damage = (what: string): never => {
  throw new Damage(what)
}

class Inflating {
  readonly out: Output
  private readonly bytes: Uint8Array
  private at = 0
  private held = 0
  private heldBits = 0

  constructor(bytes: Uint8Array, out: Output) {
    this.bytes = bytes
    this.out = out
  }

  run(): void {
    // a sender may stop after any block, as permessage-deflate does
    for (let isLast = false; !isLast && this.isMore;) {
      isLast = this.bits(1) === 1
      const kind = this.bits(2)
      if (kind === 0) this.stored()
      else if (kind === 1) this.block(fixed(), fixedDistances())
      else if (kind === 2) this.dynamic()
      else damage("a block of no known kind")
    }
  }

  private get isMore(): boolean {
    return this.heldBits > 0 || this.at < this.bytes.length
  }

  private bits(count: number): number {
    while (this.heldBits < count) {
      if (this.at === this.bytes.length) damage("the data ends too early")
      this.held |= this.bytes[this.at++]! << this.heldBits
      this.heldBits += 8
    }
    const value = this.held & (1 << count) - 1
    this.held >>>= count
    this.heldBits -= count
    return value
  }

  private symbol({ counts, symbols }: Codes): number {
    let code = 0
    let first = 0
    let index = 0
    for (let bits = 1; bits <= maxBits; bits++) {
      code |= this.bits(1)
      const count = counts[bits]!
      if (code - count < first) return symbols[index + code - first]!
      index += count
      first = first + count << 1
      code <<= 1
    }
    return damage("a code that is none")
  }

  private stored(): void {
    this.held = 0
    this.heldBits = 0
    const size = this.bits(16)
    const inverted = this.bits(16)
    if (size !== (~inverted & 0xffff)) damage("a stored block whose lengths differ")
    if (this.at + size > this.bytes.length) damage("the data ends too early")
    this.out.append(this.bytes.subarray(this.at, this.at + size))
    this.at += size
  }

  private dynamic(): void {
    const [literals, distances, lengths] = [this.bits(5) + 257, this.bits(5) + 1, this.bits(4) + 4]
    const ofLengths = new Uint8Array(19)
    for (let i = 0; i < lengths; i++) ofLengths[lengthOrder[i]!] = this.bits(3)
    const codes = codesOf(ofLengths)
    const all = new Uint8Array(literals + distances)
    for (let i = 0; i < all.length;) {
      const symbol = this.symbol(codes)
      if (symbol < 16) {
        all[i++] = symbol
        continue
      }
      if (symbol === 16 && i === 0) damage("a length repeated that was not there")
      const value = symbol === 16 ? all[i - 1]! : 0
      const times = symbol === 16 ? 3 + this.bits(2) : symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7)
      if (i + times > all.length) damage("too many lengths")
      all.fill(value, i, i += times)
    }
    this.block(codesOf(all.subarray(0, literals)), codesOf(all.subarray(literals)))
  }

  private block(literals: Codes, distances: Codes): void {
    while (true) {
      const symbol = this.symbol(literals)
      if (symbol < endOfBlock) this.out.byte(symbol)
      else if (symbol === endOfBlock) return
      else {
        const index = symbol - endOfBlock - 1
        if (index >= lengthBase.length) damage("a length that is none")
        const length = lengthBase[index]! + this.bits(lengthExtra[index]!)
        const far = this.symbol(distances)
        if (far >= distanceBase.length) damage("a distance that is none")
        this.out.copy(distanceBase[far]! + this.bits(distanceExtra[far]!), length)
      }
    }
  }
}

let fixedCodes: Codes | undefined
let fixedFar: Codes | undefined
const fixed = (): Codes => fixedCodes ??= codesOf(fixedLengths)
const fixedDistances = (): Codes => fixedFar ??= codesOf(new Uint8Array(30).fill(5))

/** Bytes so far, the dictionary in front. */
class Output {
  private bytes: Uint8Array<ArrayBuffer>
  private size: number
  private readonly before: number
  private readonly limit: number

  constructor(dictionary: Uint8Array, limit: number) {
    this.bytes = new Uint8Array(dictionary.length + 1024)
    this.bytes.set(dictionary)
    this.size = this.before = dictionary.length
    this.limit = dictionary.length + limit
  }

  byte(value: number): void {
    this.need(1)
    this.bytes[this.size++] = value
  }

  append(bytes: Uint8Array): void {
    this.need(bytes.length)
    this.bytes.set(bytes, this.size)
    this.size += bytes.length
  }

  /** What stands `distance` before the end, which may be part of what is copied. */
  copy(distance: number, length: number): void {
    if (distance > this.size) damage("a distance to before the beginning")
    this.need(length)
    for (let i = 0; i < length; i++, this.size++) this.bytes[this.size] = this.bytes[this.size - distance]!
  }

  take(): Uint8Array {
    return this.bytes.slice(this.before, this.size)
  }

  private need(count: number): void {
    const size = this.size + count
    if (size > this.limit) damage(`more than ${this.limit - this.before} bytes`)
    if (size <= this.bytes.length) return
    const grown = new Uint8Array(Math.min(this.limit, Math.max(size, this.bytes.length * 2)))
    grown.set(this.bytes.subarray(0, this.size))
    this.bytes = grown
  }
}

/** What raw DEFLATE data holds, at most `limit` bytes; `dictionary` is what it may refer back to. What is wrong with it, as text. */
export const inflate = (bytes: Uint8Array, dictionary: Uint8Array, limit: number): Uint8Array | string => {
  const out = new Output(dictionary, limit)
  try {
    new Inflating(bytes, out).run()
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return error.message
  }
  return out.take()
}
