/** Random specs with values for them: words within words, seeded, so that a failure can be replayed. */
import * as D from "@wirewright/dsl"

/** Integers by their names. */
const integers = { u8: D.u8, u16: D.u16, u24: D.u24, u32: D.u32, u64: D.u64, i8: D.i8, i16: D.i16, i32: D.i32, i64: D.i64 }

/** A number from 0 to below. */
export type Next = (below: number) => number

/** A type, and values of it. */
interface Made {
  readonly type: D.Type
  /** Whether the bytes tell where it ends. */
  readonly ends: boolean
  /** Whether it takes at least one byte. */
  readonly some: boolean
  readonly value: () => unknown
}

/** A record and values of it. */
export interface MadeRecord {
  readonly type: D.Struct | D.Choice
  readonly value: () => object
}

const letters = "abcXYZ019é€\u0101 _"

/** Makes types by chance. */
export class RandomSpec {
  private readonly next: Next
  private readonly prefix: string
  private names = 0

  constructor(next: Next, prefix: string) {
    this.next = next
    this.prefix = prefix
  }

  private pick<A>(of: ReadonlyArray<A>): A {
    return of[this.next(of.length)]!
  }

  private name(): string {
    return `${this.prefix}R${this.names++}`
  }

  private text(max: number, alphabet: string): string {
    let text = ""
    for (let n = this.next(max + 1); n > 0; n--) text += alphabet[this.next(alphabet.length)]!
    return text
  }

  private bytes(length: number, without = -1): Uint8Array {
    return Uint8Array.from({ length }, () => {
      const byte = this.next(256)
      return byte === without ? byte ^ 1 : byte
    })
  }

  private big(bits: number, signed: boolean): bigint {
    let value = 0n
    for (let i = 0; i < 8; i++) value = value << 8n | BigInt(this.next(256))
    value = BigInt.asUintN(1 + this.next(bits), value)
    return signed ? BigInt.asIntN(bits, this.next(2) === 0 ? -value : value) : value
  }

  private number(bits: number, signed: boolean): number {
    return Number(this.big(bits, signed))
  }

  /** Numbers that lengths, counts and tags can be. */
  private lengthNumber(): D.NumberType {
    return this.pick<() => D.NumberType>([
      () => D.u16,
      () => D.u16.le,
      () => D.u32,
      () => D.i32,
      () => D.u24.le,
      () => D.u64,
      () => D.varint(),
      () => D.varint({ encoding: "vlq" }),
      () => D.varint({ encoding: "quic" }),
      () => D.varint({ bits: 64 }),
      () => D.varint({ zigzag: true }),
      () => D.escaped(D.u8, { max: 250, 252: D.u16.le, 254: D.u64.le }),
      () => D.escaped(D.u8, { max: 127, 0x81: D.u8, 0x82: D.u16 }),
      () => D.decimal({ until: "\r\n" }),
      () => D.decimal({ until: ";", signed: true })
    ])()
  }

  private scalar(): Made {
    const made = (type: D.Type, value: () => unknown): Made => ({ type, ends: true, some: true, value })
    const ints = [["u8", 8], ["u16", 16], ["u24", 24], ["u32", 32], ["u64", 64], ["i8", 8], ["i16", 16], ["i32", 32], ["i64", 64]] as const
    return this.pick<() => Made>([
      () => {
        const [name, bits] = this.pick(ints)
        const value = () => bits === 64 ? this.big(bits, name[0] === "i") : this.number(bits, name[0] === "i")
        return made(this.pick([integers[name], integers[name].le]), value)
      },
      () => made(this.pick([D.f64, D.f64.le]), () => this.pick([0, -0, 1.5, -1e300, Infinity, 2 ** 53, Math.PI])),
      () => made(this.pick([D.f32, D.f32.le]), () => this.pick([0, -0, 1.5, -Infinity, Math.fround(Math.PI)])),
      () => {
        const encoding = this.pick(["leb128", "vlq", "quic"] as const)
        const bits = this.pick([32, 64] as const)
        const zigzag = this.next(2) === 0
        const width = encoding === "quic" ? bits - 2 : bits
        return made(D.varint({ encoding, bits, zigzag }), () => bits === 64 ? this.big(width, zigzag) : this.number(width, zigzag))
      },
      () => made(D.decimal({ signed: true, until: "\n" }), () => this.number(32, true)),
      () => made(D.decimal({ bits: 64, until: 0x1f }), () => this.big(64, false)),
      () => made(D.escaped(D.u8, { max: 125, 126: D.u16, 127: D.u64 }), () => this.big(64, false)),
      () => made(D.reserved(this.pick([D.u8, D.u16.le])), () => this.number(8, false))
    ])()
  }

  private sized(): Made {
    const ended = (type: D.Type, some: boolean, value: () => unknown): Made => ({ type, ends: true, some, value })
    return this.pick<() => Made>([
      () => {
        const size = this.next(5)
        return ended(D.bytes({ size }), size > 0, () => this.bytes(size))
      },
      () => {
        const until = this.next(256)
        return ended(D.bytes({ until, max: 20 }), true, () => this.bytes(this.next(6), until))
      },
      () => ended(D.bytes({ until: "\r\n" }), true, () => this.bytes(this.next(6), 0x0a)),
      () => ended(D.utf8({ until: 0 }), true, () => this.text(5, letters)),
      () => ended(D.utf8({ until: "END\r\n" }), true, () => this.text(5, letters)),
      () => ended(D.utf8({ until: "\n", invalid: "error", max: 40 }), true, () => this.text(5, letters)),
      () => ended(D.latin1({ until: "\t" }), true, () => this.text(5, "aé ÿ")),
      () => ended(D.utf16({ until: 0, order: this.pick(["big", "little"]) }), true, () => this.text(5, letters)),
      () => ended(D.ascii({ size: 3 }), true, () => `${this.text(0, "")}abc`)
    ])()
  }

  /** What takes all that is left. */
  private open(depth: number): Made {
    const open = (type: D.Type, value: () => unknown): Made => ({ type, ends: false, some: false, value })
    return this.pick<() => Made>([
      () => open(D.bytes({ max: 50 }), () => this.bytes(this.next(6))),
      () => open(D.utf8(), () => this.text(5, letters)),
      () => open(D.latin1(), () => this.text(5, "aéÿ")),
      () => ({ type: D.decimal({ signed: true }), ends: false, some: true, value: () => this.number(32, true) }),
      () => {
        const of = this.element(depth - 1)
        return open(D.array(of.type, { max: 9 }), () => this.many(of, 4))
      },
      () => {
        const of = this.struct(depth - 1, true)
        return { ...of, ends: false }
      }
    ])()
  }

  private many(of: Made, max: number): ReadonlyArray<unknown> {
    return Array.from({ length: this.next(max + 1) }, () => of.value())
  }

  /** Something that can be repeated. */
  private element(depth: number): Made {
    for (;;) {
      const made = this.ended(depth)
      if (made.some && made.type.kind !== "reserved") return made
    }
  }

  /** Something that ends itself. */
  private ended(depth: number): Made {
    if (depth <= 0) return this.next(3) === 0 ? this.sized() : this.scalar()
    return this.pick<() => Made>([
      () => this.scalar(),
      () => this.sized(),
      () => {
        const of = this.next(2) === 0 ? this.open(depth - 1) : this.ended(depth - 1)
        const isNullable = this.next(3) === 0
        const trailer = this.next(4) === 0 ? { trailer: this.pick<string | number>(["\r\n", 0, "!!!"]) } : {}
        const plus = this.next(3) === 0 ? { plus: 2 } : {}
        if (of.type.kind === "reserved") return this.scalar()
        return {
          type: D.prefixed(this.lengthNumber(), of.type, { ...trailer, ...plus, ...(isNullable ? { absent: 0, plus: 1 } : {}) }),
          ends: true,
          some: true,
          value: () => isNullable && this.next(3) === 0 ? null : of.value()
        }
      },
      () => {
        const of = this.element(depth - 1)
        const isNullable = this.next(3) === 0
        return {
          type: D.counted(this.lengthNumber(), of.type, { max: 9, ...(isNullable ? { absent: 0, plus: 1 } : {}) }),
          ends: true,
          some: true,
          value: () => isNullable && this.next(3) === 0 ? null : this.many(of, 3)
        }
      },
      () => {
        const of = this.struct(depth - 1, false)
        return of
      },
      () => this.choice(depth - 1),
      () => {
        const of = this.struct(depth - 1, false, true)
        // its first byte is none of the end's
        return { type: D.array(of.type, { until: 0xff }), ends: true, some: true, value: () => this.many(of, 3) }
      }
    ])()
  }

  private choice(depth: number): Made {
    const tag = this.pick([D.u8, D.u16.le, D.varint(), D.i32])
    const cases = Array.from(
      { length: 1 + this.next(3) },
      (_, i) => [`Case${i}`, i * (1 + this.next(90)), this.fields(depth, false)] as const
    )
      .filter(([, number], i, all) => all.findIndex((one) => one[1] === number) === i)
    const type = D.choice(
      this.name(),
      tag,
      Object.fromEntries(cases.map(([name, number, fields]) => [name, D.tagged(number, fields.fields)])) as D.Choice["cases"]
    )
    return {
      type,
      ends: true,
      some: true,
      value: () => {
        const [name, , fields] = this.pick(cases)
        return { _tag: name, ...fields.value() }
      }
    }
  }

  /** A record; `isOpen`: what it ends with may take all that is left. `begins`: with a byte below 0x80. */
  struct(depth: number, isOpen: boolean, begins = false): Made & MadeRecord {
    const { fields, some, value } = this.fields(depth, isOpen, begins)
    const order = this.pick([undefined, undefined, "little", "big"] as const)
    const type = D.struct(this.name(), fields, order === undefined ? {} : { byteOrder: order })
    return { type, ends: !isOpen, some, value: value as () => object }
  }

  private fields(depth: number, isOpen: boolean, begins = false): { fields: D.Fields; some: boolean; value: () => object } {
    const fields: Record<string, D.Type> = {}
    const makers: Array<(out: Record<string, unknown>) => void> = []
    let some = begins
    const add = (name: string, { some: has, type, value }: Made): void => {
      fields[name] = type
      some ||= has
      makers.push((out) => {
        out[name] = value()
      })
    }
    if (begins) add("first", { type: D.constant(D.u8, 5), ends: true, some: true, value: () => undefined })
    const count = 1 + this.next(4)
    for (let i = 0; i < count; i++) {
      const name = `f${i}`
      switch (this.next(18)) {
        case 17: {
          // in units of several bytes, in a number or in bits
          const unit = 1 + this.next(4)
          const options = { unit, ...this.next(2) === 0 ? { plus: this.next(3) } : {} }
          fields[`l${i}`] = this.next(2) === 0
            ? D.lengthOf(this.lengthNumber(), name, options)
            : D.bits(this.pick([D.u8, D.u16.le, D.u64]), { [`l${i}n`]: D.lengthOf(D.slice(7, 2), name, options) })
          add(name, {
            type: D.bytes(),
            ends: true,
            some: true,
            value: () => Uint8Array.from({ length: unit * this.next(4) }, () => this.next(256))
          })
          some = true
          break
        }
        case 16: {
          // a length in bits, of one field or of two, with a checksum over the bits in front of what they measure
          const [one, other] = [this.open(depth - 1), this.ended(depth - 1)]
          if (one.type.kind === "decimal" || other.type.kind === "reserved") break
          const isNullable = this.next(2) === 0
          fields[`b${i}`] = D.bits(this.pick([D.u32, D.u32.le, D.u64]), {
            [`n${i}`]: D.slice(31, 29),
            [`l${i}`]: D.lengthOf(D.slice(27, 12), name, isNullable ? { plus: 1, absent: 0 } : {}),
            ...isNullable ? {} : { [`t${i}`]: D.lengthOf(D.slice(11, 0), [`${name}b`, name]) }
          })
          if (this.next(2) === 0) fields[`sum${i}`] = D.checksum("sum8", D.u8, { over: [`b${i}`] })
          makers.push((out) => {
            out[`n${i}`] = this.next(8)
          })
          add(`${name}b`, other)
          add(name, isNullable ? { ...one, value: () => this.next(3) === 0 ? null : one.value() } : one)
          some = true
          break
        }
        case 15: {
          const of = this.element(depth - 1)
          const isNullable = this.next(3) === 0
          fields[`b${i}`] = D.bits(this.pick([D.u8, D.u16.le, D.u24]), {
            [`c${i}`]: D.countOf(D.slice(7, 4), name, isNullable ? { plus: 1, absent: 0 } : {}),
            [`n${i}`]: D.slice(2)
          })
          makers.push((out) => {
            out[`n${i}`] = this.next(2)
          })
          add(name, {
            type: D.array(of.type, { max: 9 }),
            ends: true,
            some: true,
            value: () => isNullable && this.next(3) === 0 ? null : this.many(of, 3)
          })
          some = true
          break
        }
        case 14: {
          // spelled otherwise from a number on, and otherwise again, or not there
          const spelled = Array.from({ length: 2 + this.next(2) }, () => this.ended(depth - 1))
          if (spelled.some(({ type }) => type.kind === "reserved")) break
          // from which number on each is spelled: the last from 0 on, unless there is nothing then
          const isAlways = this.next(3) > 0
          const from = (at: number): number => spelled.length - at - (isAlways ? 1 : 0)
          const when = (at: number): D.Type =>
            from(at) === 0
              ? spelled[at]!.type
              : D.when(`k${i}`, spelled[at]!.type, at + 1 < spelled.length ? { from: from(at), else: when(at + 1) } : { from: from(at) })
          fields[`k${i}`] = D.u8
          fields[name] = when(0)
          some = true
          makers.push((out) => {
            const k = this.next(5)
            out[`k${i}`] = k
            const one = spelled.find((_, at) => from(at) <= k)
            if (one !== undefined) out[name] = one.value()
          })
          break
        }
        case 13: {
          // one bit for fields of several versions, one of which may be of all
          const [one, other] = [this.ended(depth - 1), this.ended(depth - 1)]
          if (one.type.kind === "reserved" || other.type.kind === "reserved") break
          const isForAll = this.next(3) === 0
          const has = { if: D.bitOf(`has${i}`) }
          fields[`b${i}`] = D.bits(this.pick([D.u8, D.u16.le]), { [`has${i}`]: D.slice(7) })
          fields[`k${i}`] = D.u8
          fields[name] = D.when(`k${i}`, D.optional(one.type, has), { from: 1, to: 3 })
          fields[`${name}b`] = isForAll ? D.optional(other.type, has) : D.when(`k${i}`, D.optional(other.type, has), { from: 3, to: 5 })
          some = true
          makers.push((out) => {
            const k = this.next(7)
            out[`k${i}`] = k
            if (this.next(3) === 0) return
            if (k >= 1 && k <= 3) out[name] = one.value()
            if (isForAll || k >= 3 && k <= 5) out[`${name}b`] = other.value()
          })
          break
        }
        case 0: {
          fields[`mark${i}`] = this.pick([D.literal("#!"), D.literal(7), D.constant(D.u16, 258)])
          some = true
          break
        }
        case 1: {
          // a length before what it measures
          const of = this.next(2) === 0 ? this.open(depth - 1) : this.ended(depth - 1)
          if (of.type.kind === "reserved") break
          fields[`l${i}`] = D.lengthOf(this.lengthNumber(), name, this.next(3) === 0 ? { plus: 3 } : {})
          add(name, of)
          some = true
          break
        }
        case 2: {
          const of = this.open(depth - 1)
          if (of.type.kind === "decimal") break
          fields[`l${i}`] = D.lengthOf(this.lengthNumber(), name, { plus: 1, absent: 0 })
          add(name, { ...of, value: () => this.next(3) === 0 ? null : of.value() })
          some = true
          break
        }
        case 3: {
          const of = this.element(depth - 1)
          fields[`c${i}`] = D.countOf(this.lengthNumber(), name)
          add(name, { type: D.array(of.type, { max: 9 }), ends: true, some: true, value: () => this.many(of, 3) })
          break
        }
        case 4: {
          const of = this.ended(depth - 1)
          if (of.type.kind === "reserved") break
          fields[`b${i}`] = D.bits(this.pick([D.u8, D.u16.le, D.u32, D.u64]), { [`has${i}`]: D.slice(6), [`n${i}`]: D.slice(4, 1) })
          fields[name] = D.optional(of.type, { if: D.bitOf(`has${i}`) })
          some = true
          makers.push((out) => {
            out[`n${i}`] = this.next(16)
            if (this.next(2) === 0) out[name] = of.value()
          })
          break
        }
        case 5: {
          const of = this.ended(depth - 1)
          if (of.type.kind === "reserved") break
          fields[`k${i}`] = this.pick([D.u8, D.varint(), D.decimal({ until: "," })])
          fields[name] = this.next(2) === 0
            ? D.optional(of.type, { if: D.valueOf(`k${i}`, [1, 3]) })
            : D.when(`k${i}`, of.type, { from: 1, to: 3 })
          const isWhen = fields[name].kind === "when"
          some = true
          makers.push((out) => {
            const k = this.next(5)
            out[`k${i}`] = k
            if (k === 1 || k === 3 || isWhen && k === 2) out[name] = of.value()
          })
          break
        }
        case 6: {
          const words = "abcxyz"
          fields[`line${i}`] = D.tokens(this.pick([" ", ", ", "||"]), {
            [`v${i}`]: D.literal("V"),
            [`w${i}`]: D.utf8(),
            [`x${i}`]: D.optional(D.decimal()),
            [`y${i}`]: D.latin1()
          }, { until: this.pick(["\r\n", "\n", "END"]) })
          some = true
          makers.push((out) => {
            out[`w${i}`] = this.text(3, words)
            if (this.next(2) === 0) out[`x${i}`] = this.number(32, false)
            out[`y${i}`] = this.text(3, words)
          })
          break
        }
        case 7: {
          // several together
          const [a, b] = [this.ended(depth - 1), this.open(depth - 1)]
          if (a.type.kind === "reserved") break
          fields[`t${i}`] = D.lengthOf(this.lengthNumber(), [`${name}a`, `${name}b`], { plus: this.next(2) })
          add(`${name}a`, a)
          add(`${name}b`, b)
          some = true
          break
        }
        case 8: {
          const cases = [this.fields(depth - 1, false), this.fields(depth - 1, false)]
          fields[`tag${i}`] = this.pick([D.u8, D.u16.le, D.varint()])
          fields[name] = D.choice(this.name(), D.by(`tag${i}`), {
            Left: D.tagged(3, cases[0]!.fields),
            Right: D.tagged(200, cases[1]!.fields)
          })
          some = true
          makers.push((out) => {
            const which = this.next(2)
            out[name] = { _tag: which === 0 ? "Left" : "Right", ...cases[which]!.value() }
          })
          break
        }
        case 9: {
          const of = this.ended(depth - 1)
          if (of.type.kind === "reserved") break
          add(name, of)
          fields[`sum${i}`] = D.checksum(this.pick(["crc32", "adler32", "crc32c"]), this.pick([D.u32, D.u32.le]), {
            over: [name],
            ...this.next(2) === 0 ? { xor: 0x5354554e } : {}
          })
          some = true
          break
        }
        case 10:
          fields[`pad${i}`] = D.align(this.pick([2, 4, 8]))
          break
        default:
          add(name, this.ended(depth - 1))
      }
    }
    if (isOpen) {
      const last = this.open(depth - 1)
      add("rest", last)
      if (this.next(3) === 0) add("tail", { type: D.u16, ends: true, some: true, value: () => this.number(16, false) })
    } else if (!some) add("last", { type: D.u8, ends: true, some: true, value: () => this.number(8, false) })
    return {
      fields,
      some: true,
      value: () => {
        const out: Record<string, unknown> = {}
        for (const make of makers) make(out)
        return out
      }
    }
  }
}
