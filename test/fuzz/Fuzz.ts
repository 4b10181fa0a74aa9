/**
 * Structure-aware mutation of every generated protocol. What must hold for whatever bytes come:
 *
 * - Reading gives a packet or a `DecodeError`, nothing else, and it ends.
 * - What was read is written as it came, or refused with an `EncodeError`; where it may be spelled otherwise, it is read the same again, and
 *   what is written then stays as it is.
 * - The interpreter accepts the same bytes and finds the same values; a framer tells the same size; JSON leads back.
 * - Every beginning of a packet is incomplete. What is wrong and not incomplete stays wrong, whatever follows. Of what takes all that is
 *   left, both are untrue, since it ends where the bytes do: what follows is part of it. The model says which types these are, and which
 *   packets are datagrams (`Subject.ends`).
 *
 * Each mutant has a number and comes from seed, subject and number alone, so that each can be run again by itself.
 */
import { DecodeError, EncodeError, hexOf } from "@wirewright/codec"
import { random } from "@wirewright/codec/Random.fixture"
import { visible } from "@wirewright/codec/Visible"
import { isDeepStrictEqual } from "node:util"
import { runInThisContext } from "node:vm"
import type { Below } from "@wirewright/codec/Random"
import { objectionOf } from "@wirewright/codegen/sample/Malformed"
import { changed, joined, type Laid, mended } from "@wirewright/codegen/sample/Mutate"
import { attempt, type Look, type Read, type Reading, type Seed, type Subject } from "./Subject.ts"

/** What came of the mutants of one subject. */
export interface Counts {
  mutants: number
  /** What was read. */
  packets: number
  refused: number
  incomplete: number
  /** Packets that were written again as they came. */
  same: number
  /** Packets that are handed out raw though the interpreter knows their fields. */
  raw: number
  /** Packets whose writing was refused with an `EncodeError`. */
  unwritten: number
  /** Beginnings of packets that were tried. */
  prefixes: number
  /** Continuations of what is wrong that were tried. */
  continuations: number
  /** Different objections that each had all continuations. */
  objections: number
}

/** What was not as it must be. */
export interface Finding {
  readonly subject: string
  readonly run: number
  readonly what: string
  readonly reading: Reading
  readonly hex: string
}

/** What came of all. */
export interface Result {
  readonly counts: ReadonlyMap<string, Counts>
  /** How often each kind of change was made. */
  readonly operators: ReadonlyMap<string, number>
  readonly findings: ReadonlyArray<Finding>
}

/** What a run may be told. */
export interface FuzzOptions {
  readonly seed: number
  /** Mutants of each subject. */
  readonly count: number
  /** Number of the first mutant. Default: 0 */
  readonly from?: number
  /** Random continuations of each objection that has not been met before. Default: 1000 */
  readonly continuations?: number
  /** Milliseconds in which a batch of mutants must be read; else the one that is being read hangs. Default: 60000 */
  readonly patience?: number
  /** Told after each subject. */
  readonly done?: (subject: Subject, counts: Counts, findings: ReadonlyArray<Finding>) => void
}

const batch = 200

/** So many findings of one subject are enough. */
const enough = 10

const edges = [0, 1, 0x0a, 0x0d, 0x1e, 0x20, 0x30, 0x7f, 0x80, 0xff]

/** The seed of everything that is done to one mutant. */
const seedOf = (seed: number, subject: string, run: number): number => {
  let hash = 0x811c9dc5 ^ seed
  for (const character of subject) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return Math.imul(hash ^ run, 0x9e3779b1) >>> 0
}

/** Whether a byte of `[0, length)`, or the end of all, is where an error says. */
const isPlace = (offset: number, length: number): boolean => Number.isInteger(offset) && offset >= 0 && offset <= length

/** Every NaN is written as the same one. */
const holdsNaN = (value: unknown): boolean =>
  Number.isNaN(value) ||
  typeof value === "object" && value !== null && !(value instanceof Uint8Array) && Object.values(value).some(holdsNaN)

/** Runs a function that may not end; `hangs` is called when it has not within so many milliseconds. */
const within = (milliseconds: number, run: () => void, hangs: () => void): void => {
  const key = "wirewrightFuzzRun"
  const global = globalThis as unknown as Record<string, unknown>
  global[key] = run
  try {
    runInThisContext(`${key}()`, { timeout: milliseconds })
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error
    hangs()
  } finally {
    delete global[key]
  }
}

/** The mutants of one subject. */
class Run {
  readonly counts: Counts = {
    mutants: 0,
    packets: 0,
    refused: 0,
    incomplete: 0,
    same: 0,
    raw: 0,
    unwritten: 0,
    prefixes: 0,
    continuations: 0,
    objections: 0
  }
  readonly findings: Array<Finding> = []
  private readonly subject: Subject
  private readonly options: FuzzOptions
  private readonly operators: Map<string, number>
  private readonly looks = new Map<Seed, Look>()
  private readonly objections = new Set<string>()
  /** What is being read. */
  private current: { readonly run: number; readonly reading: Reading; bytes: Uint8Array } | undefined

  constructor(subject: Subject, options: FuzzOptions, operators: Map<string, number>) {
    this.subject = subject
    this.options = options
    this.operators = operators
  }

  all(): void {
    const { count, from = 0, patience = 60_000 } = this.options
    let run = from
    while (run < from + count && this.findings.length < enough) {
      const stop = Math.min(from + count, run + batch)
      within(patience, () => {
        for (; run < stop && this.findings.length < enough; run++) this.once(run)
      }, () => {
        this.say("does not end")
        run++
      })
    }
  }

  private say(what: string): void {
    const { bytes, reading, run } = this.current!
    this.findings.push({ subject: this.subject.name, run, what, reading, hex: hexOf(bytes) })
  }

  private laid(seed: Seed): Laid {
    let look = this.looks.get(seed)
    if (look === undefined) this.looks.set(seed, look = this.subject.look(seed.bytes, seed.reading))
    return { bytes: seed.bytes, fields: look.fields }
  }

  private once(run: number): void {
    const { subject } = this
    const below = random(seedOf(this.options.seed, subject.name, run))
    const pick = (): Seed => {
      const sort = subject.sorts[below(subject.sorts.length)]!
      return sort[below(sort.length)]!
    }
    const seed = pick()
    const { reading } = seed
    this.current = { run, reading, bytes: seed.bytes }
    this.counts.mutants++
    try {
      let one = this.laid(seed)
      for (let changes = 1 + below(3); changes > 0; changes--) {
        const [name, bytes] = changed(below, one, this.laid(pick()))
        this.operators.set(name, (this.operators.get(name) ?? 0) + 1)
        this.current.bytes = bytes
        one = changes === 1 ? { bytes, fields: [] } : { bytes, fields: subject.look(bytes, reading).fields }
      }
      if (below(2) === 0) this.current.bytes = this.mend(one.bytes, reading)
      this.check(below, this.current.bytes, reading, pick)
    } catch (error) {
      this.say(`untyped: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
    }
  }

  private mend(bytes: Uint8Array, reading: Reading): Uint8Array {
    const { error, fields } = this.subject.look(bytes, reading)
    return mended({ bytes, fields }, error).find((one) => this.subject.look(one, reading).error?.reason !== "Checksum") ?? bytes
  }

  private check(below: Below, bytes: Uint8Array, reading: Reading, pick: () => Seed): void {
    const { counts, subject } = this
    const read = attempt(subject, bytes, reading)
    const look = subject.look(bytes, reading)
    this.lies(this.sizeOf(bytes), look)
    if (below(16) === 0) this.shown(bytes, reading)
    if (!(read instanceof DecodeError)) return this.packet(below, bytes, reading, read, look)
    if (!isPlace(read.offset, this.sizeOf(bytes))) this.say(`the decoder objects at byte ${read.offset}: ${read.message}`)
    if (read.incomplete) counts.incomplete++
    else counts.refused++
    if (look.error === undefined) this.say(`the interpreter accepts what the decoder refuses: ${read.message}`)
    else if (look.error.incomplete && !read.incomplete) this.say(`the interpreter waits for more (${look.error.message}): ${read.message}`)
    if (!read.incomplete) this.wrong(below, bytes, reading, read, pick)
  }

  /** Bytes that are read of these. */
  private sizeOf(bytes: Uint8Array): number {
    return bytes.length + (this.subject.added?.(bytes) ?? 0)
  }

  /** What the interpreter shows, lies within the bytes there are. */
  private lies(size: number, { error, fields }: Look): void {
    const out = fields.find(({ length, offset }) =>
      !(Number.isInteger(length) && Number.isInteger(offset)) || offset < 0 || length < 0 || offset + length > size
    )
    if (out !== undefined) this.say(`the interpreter shows ${out.path} at byte ${out.offset}, ${out.length} bytes`)
    if (error !== undefined && !isPlace(error.offset, size)) this.say(`the interpreter objects at byte ${error.offset}`)
  }

  /** Nothing that a terminal acts on may be left in a dump without colours. */
  private shown(bytes: Uint8Array, reading: Reading): void {
    const dump = this.subject.dump(bytes, reading)
    if (dump.split("\n").some((line) => visible(line) !== line)) this.say("the dump holds what a terminal acts on")
  }

  private packet(below: Below, bytes: Uint8Array, reading: Reading, read: Read, look: Look): void {
    const { counts, subject } = this
    counts.packets++
    const whole = bytes.slice(0, read.end)
    if (subject.isRaw?.(read.value, look) === true) counts.raw++
    else if (look.error !== undefined) this.say(`the interpreter refuses what is read: ${look.error.message}`)
    else if (look.length !== read.end) this.say(`${read.end} bytes are read, for the interpreter ${look.length}`)
    else {
      const difference = subject.difference(bytes, read, look, reading)
      if (difference !== undefined) this.say(`other values: ${difference}`)
    }
    const size = subject.sizeAt?.(bytes, reading)
    if (size !== undefined && size !== read.end) this.say(`${read.end} bytes are read, for the framer ${size}`)
    const written = this.written(read.value, reading)
    if (written !== undefined) this.stable(whole, read, reading, written)
    this.prefixes(below, whole, reading)
  }

  /** The bytes of what was read; nothing when writing is refused. */
  private written(value: unknown, reading: Reading): Uint8Array | undefined {
    try {
      return this.subject.write(value, reading)
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error
      this.counts.unwritten++
      this.say(`what was read is not written: ${error.message}`)
      return undefined
    }
  }

  private stable(whole: Uint8Array, { end, value }: Read, reading: Reading, written: Uint8Array): void {
    const { counts, subject } = this
    // what was added to read it, is written
    const part = written.length === end ? written.subarray(0, whole.length) : written
    if (Buffer.compare(written, whole) === 0) counts.same++
    else if (subject.spellings === undefined && !holdsNaN(value) && Buffer.compare(part, whole) !== 0) {
      this.say(`written as ${hexOf(written)}`)
    }
    const again = attempt(subject, written, reading)
    if (again instanceof DecodeError) return this.say(`what is written is refused (${again.message}): ${hexOf(written)}`)
    if (again.end !== written.length) this.say(`of ${written.length} bytes written, ${again.end} are read: ${hexOf(written)}`)
    if (!isDeepStrictEqual(again.value, value)) this.say(`what is written is read otherwise: ${hexOf(written)}`)
    const third = subject.write(again.value, reading)
    if (Buffer.compare(third, written) !== 0) this.say(`written first as ${hexOf(written)}, then as ${hexOf(third)}`)
    const json = this.written(subject.viaJson(value, whole.length, reading), reading)
    if (json !== undefined && Buffer.compare(json, written) !== 0) this.say(`its JSON is written as ${hexOf(json)}`)
  }

  /** Every beginning of a packet is incomplete. All are tried of some, a few of each. */
  private prefixes(below: Below, whole: Uint8Array, reading: Reading): void {
    const { counts, subject } = this
    if (!subject.ends(reading) || whole.length === 0) return
    const isAll = whole.length <= 400 && below(16) === 0
    const sizes = isAll ? whole.keys() : [whole.length - 1, below(whole.length), below(whole.length)]
    for (const size of sizes) {
      counts.prefixes++
      const got = attempt(subject, whole.subarray(0, size), reading)
      if (got instanceof DecodeError && got.incomplete) continue
      return this.say(`the first ${size} bytes of ${whole.length} are ${got instanceof DecodeError ? got.message : "a packet"}`)
    }
  }

  /** What is wrong stays wrong whatever follows: a few continuations of each, a thousand of each objection that is new. */
  private wrong(below: Below, bytes: Uint8Array, reading: Reading, error: DecodeError, pick: () => Seed): void {
    const { counts, subject } = this
    if (!subject.ends(reading)) return
    const objection = `${JSON.stringify(reading)} ${objectionOf(error)}`
    const isNew = !this.objections.has(objection)
    if (isNew) {
      this.objections.add(objection)
      counts.objections++
    }
    for (let left = isNew ? this.options.continuations ?? 1_000 : 2; left > 0; left--) {
      counts.continuations++
      const more = below(3) === 0
        ? pick().bytes
        : new Uint8Array(1 + below(40)).map(() => below(2) === 0 ? below(256) : edges[below(edges.length)]!)
      const longer = joined(bytes, more)
      const later = attempt(subject, longer, reading)
      if (later instanceof DecodeError && !later.incomplete) continue
      this.current!.bytes = longer
      return this.say(
        `after ${bytes.length} bytes: ${error.message}; with more ${later instanceof DecodeError ? "incomplete" : "a packet"}`
      )
    }
  }
}

/** Runs the mutants of all subjects. */
export const fuzz = (subjects: ReadonlyArray<Subject>, options: FuzzOptions): Result => {
  const operators = new Map<string, number>()
  const counts = new Map<string, Counts>()
  const findings: Array<Finding> = []
  // half of all mutants are refused, and nobody looks at their stacks unless one is run again
  const limit = Error.stackTraceLimit
  for (const subject of subjects) {
    const run = new Run(subject, options, operators)
    if (options.count > 1) Error.stackTraceLimit = 0
    try {
      run.all()
    } finally {
      Error.stackTraceLimit = limit
    }
    counts.set(subject.name, run.counts)
    findings.push(...run.findings)
    options.done?.(subject, run.counts, run.findings)
  }
  return { counts, operators, findings }
}
