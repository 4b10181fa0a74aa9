/**
 * One record as this client has it, and how it stays the server's.
 *
 * Writes are applied here at once and sent with the next version; the server takes a write whose version is its own plus one and refuses
 * every other with `VERSION_EXISTS`. It says nothing of those it takes. So this client's data is the server's unless something contradicts
 * it, and a contradiction is settled by what is certain:
 *
 * - The server tells a version at least as high as ours: all our writes on their way will be refused, so its data is the truth. Merge.
 * - It tells a lower one: some of our writes may yet be taken. Ask for the record, and once more while the answer is below our version,
 *   until two answers are the same. Writes made meanwhile are held, and sent when it is certain.
 * - A connection begins anew: the record is asked for anyway. If the server stands where we last knew it, our writes were lost, and are sent
 *   again; no other client changed anything.
 *
 * A merge whose result is not the server's data is a write like others.
 */
import { stringify } from "@wirewright/codec/JsonPrint"
import { Typed, type TypedValue } from "./Typed.ts"
import type { Expected } from "./Answers.ts"
import type { Deadline } from "./Deadlines.ts"
import {
  AckTimeout,
  OutcomeUnknown,
  type DeepstreamReason,
  InvalidMessage,
  InvalidRecordData,
  MessageParseError,
  QueueFull,
  RecordDeleted,
  ResponseTimeout,
  VersionExists,
  WriteFailed,
  WriteLost,
  WriteUnconfirmed
} from "./DeepstreamError.ts"
import { encodeRecordCreateOrRead, encodeRecordPatch, encodeRecordSnapshot, encodeRecordUpdate } from "./gen/Encode.ts"
import type { Letter } from "./Outbox.ts"
import { freezeJson, type Json, jsonOf, sameJson } from "./Json.ts"
import { applyPath, leadsThroughNull, setPath } from "./JsonPath.ts"
import { PendingWrites, type WriteOutcome } from "./PendingWrites.ts"
import type { MergeStrategy } from "./SessionOptions.ts"
import { encoded, isLetter, type Settle, type Wire } from "./Wire.ts"

/** Receives what becomes of a record. */
export interface RecordSink {
  readonly ready: () => void
  /** The data changed, by this client or by another. */
  readonly changed: (data: Json, before: Json) => void
  /** Whether the record has a provider. */
  readonly provided: (has: boolean) => void
  /** The record is over: deleted, denied, or the client is closed. */
  readonly over: (reason: DeepstreamReason) => void
  /** It was not acknowledged or read in time, and may still come. Returns whether a caller hears of it. */
  readonly late: (reason: DeepstreamReason) => boolean
}

/** The option of a write that wants an acknowledgement; servers compare it letter by letter. */
export const writeConfig = "{\"writeSuccess\":true}"

interface HeldWrite {
  readonly path: string | undefined
  readonly value: Json | undefined
  /** Undefined when no caller waits for the acknowledgement, or not any more. */
  settle: Settle<WriteOutcome> | undefined
  deadline: Deadline | undefined
}

/** Servers 5 to 7 refuse these as the value of a path, and the record takes no write after that; in a whole record they take them. */
export const isRefusedAtPath = (value: TypedValue): boolean => value === 0 || value === false || value === ""

/** How often writes that the server does not have are sent again without its taking any. */
const maxResends = 3

/** JSON of a record, frozen; undefined when it is none. */
export const parseData = (text: string): Json | undefined => {
  try {
    return freezeJson(JSON.parse(text) as Json)
  } catch {
    return undefined
  }
}

/** What a record is before it was read. */
const nothing: Json = Object.freeze({})

// most records have no writes that wait: they share this, and nothing is put into it
const noneHeld: Array<HeldWrite> = []

/** A record that this client has opened. */
export class RecordState {
  readonly name: string
  /** Sinks of all who opened it. */
  readonly sinks = new Set<RecordSink>()
  merge: MergeStrategy
  /** Version of `data`; writes on their way count as taken. */
  version = -1
  data: Json = nothing
  hasProvider = false
  /** Why it is over: deleted, denied, left, or the client is closed. */
  ended: DeepstreamReason | undefined
  private readonly wire: Wire
  /** loading: never read. synced: writes go out. reading: the truth was asked for, writes are held. */
  private phase: "loading" | "synced" | "reading" = "loading"
  /** Whether the server said that it subscribed this client, which it does for a record that exists, or does now. */
  private subscribed = false
  /** Highest version the server is known to have had. */
  private base = -1
  /** Highest version the server told on this connection, and since the truth was asked for. */
  private highest = -1
  /** Answers to come that hold the whole record; only the last of them is the truth. */
  private reads = 0
  /** The version of the answer before, when another has to confirm it; -1 when there is none. */
  private unconfirmed = -1
  private confirmation: Deadline | undefined
  /** The connection is new, and the record was not read on it: what others wrote before was not told. */
  private unread = true
  /** Our own writes are not wanted any more: the server denied one. */
  private yielding = false
  private held = noneHeld
  /** Times that lost writes were sent again since the server's version last changed. */
  private resends = 0
  /** What the sinks saw last. */
  private shown: Json = this.data
  /** While several steps make one change. */
  private quiet = false
  /** What was sent, without what is held. */
  private sent: Json = this.data
  readonly writes: PendingWrites
  private ack: Expected | undefined
  private answer: Expected | undefined

  constructor(wire: Wire, name: string, merge: MergeStrategy) {
    this.wire = wire
    this.name = name
    this.merge = merge
    this.writes = new PendingWrites(wire, name)
    this.expect()
  }

  /** Whether the record was read. */
  get ready(): boolean {
    return this.phase !== "loading"
  }

  /** Whether the server has the record, as far as is known here. */
  get exists(): boolean {
    return this.subscribed || this.ready
  }

  /** Asks for the record on a connection that is open. */
  request(): void {
    this.highest = this.unconfirmed = -1
    // what is not known to be there may have been lost: nothing that is told counts on it
    if (this.phase === "synced" && this.version > this.base) this.startReading()
    else if (this.phase !== "loading") this.expectRead()
    else if (this.ack === undefined && this.answer === undefined) this.expect()
    this.reads++
    this.unread = true
    if (this.version > this.base) this.writes.assume(this.base + 1, this.version)
    this.asked(this.wire.tell(encodeRecordCreateOrRead({ name: this.name })))
  }

  /**
   * Writes the whole record, or what is at a path; undefined removes it. Returns why nothing was done. `settle` hears of the server's
   * acknowledgement, and makes the write ask for one.
   */
  set(path: string | undefined, given: TypedValue, settle?: Settle<WriteOutcome>): DeepstreamReason | undefined {
    if (this.ended !== undefined) return this.ended
    let value: Json | undefined
    let after: Json
    try {
      value = path !== undefined && given === undefined ? undefined : jsonOf(given)
      if (path === undefined && (typeof value !== "object" || value === null)) {
        throw new TypeError("only objects and arrays can be a record")
      }
      after = setPath(this.data, path, value)
    } catch (error) {
      return new InvalidMessage({ message: `record ${this.name}: ${(error as Error).message}` })
    }
    // its outcome could not be told from that of a write that was made while there was no connection
    if (settle !== undefined && this.phase === "synced" && this.unread && this.wire.open) this.startReading()
    if (this.phase !== "synced") {
      const { options } = this.wire
      const text = encoded(this.name, () => this.written(0, path, value, undefined), options.maxMessage)
      if (typeof text !== "string") return text
      const refused = this.wire.refused("R", this.name, text.length)
      if (refused !== undefined) return refused
      if (this.held.length >= options.maxQueued) return new QueueFull({ limit: options.maxQueued, unit: "messages" })
      this.hold(path, value, settle)
      if (this.phase === "reading") this.change(after)
      return undefined
    }
    const same = after === this.data || sameJson(after, this.data)
    if (same) {
      if (settle === undefined) return undefined
      if (!this.wire.open) {
        settle.fail(new WriteUnconfirmed({ topic: "R", subject: this.name }))
        return undefined
      }
      if (this.version === this.base) {
        settle.succeed("stored")
        return undefined
      }
      // it is the same as what this client wrote last, and that may be refused yet: whoever waits needs a write of their own
    }
    // a server makes objects on the way to what it shall remove, even when nothing is there
    const whole = path !== undefined &&
      (same || leadsThroughNull(this.data, path) || this.wire.dialect === "text" && isRefusedAtPath(value))
    const refused = whole ? this.write(undefined, after, settle) : this.write(path, value, settle)
    if (refused === undefined) this.change(after)
    return refused
  }

  acknowledged(): void {
    this.subscribed = true
    this.wire.answered(this.ack)
    this.ack = undefined
  }

  provided(has: boolean): void {
    this.hasProvider = has
    for (const sink of this.sinks) sink.provided(has)
  }

  /** A whole record: the answer to a question, ours or a snapshot's. */
  read(version: number, data: Json): void {
    const { wire } = this
    wire.answered(this.answer)
    wire.answered(this.ack)
    this.answer = this.ack = undefined
    this.unread = false
    if (this.reads > 0) this.reads--
    if (this.phase === "loading") {
      this.phase = "synced"
      this.base = this.version = version
      this.data = this.shown = data
      // writes that were held go on top of what the server has by now
      if (this.highest > version) this.reread()
      for (const sink of Array.from(this.sinks)) sink.ready()
      if (this.phase === "synced") this.release()
      return
    }
    if (this.phase === "synced") {
      // of a new connection, or of a snapshot that was asked for
      if (version >= this.version) this.resolve(version, data)
      else if (this.version > this.base) this.reread()
      // all that we have, we had from a server that has lost it
      else if (version >= this.highest) this.resolve(version, data)
      return
    }
    if (this.reads > 0) return void this.expectRead()
    if (version < this.highest) return this.reread()
    if (version < this.version && version !== this.unconfirmed) return this.confirm(version)
    this.settleReading(version, data)
  }

  /** What the server has is certain, after it was not. */
  private settleReading(version: number, data: Json): void {
    this.unconfirmed = -1
    this.wire.cancel(this.confirmation)
    this.quiet = true
    this.phase = "synced"
    this.data = this.sent
    if (this.yielding) this.yieldTo(version, data)
    else if (version === this.base && this.version > this.base) this.resend(version, data)
    else this.resolve(version, data)
    // as if they were made now, on top of what is true
    this.release(sameJson(this.data, this.sent) ? undefined : version)
    this.quiet = false
    this.show()
  }

  /** Somebody replaced the record. */
  updated(version: number, data: Json): void {
    this.writes.told(version)
    if (this.phase === "reading" && version >= this.version) return this.settleReading(version, data)
    if (this.waits(version)) return
    if (version === this.version + 1) this.advance(version, data)
    else if (version >= this.version) this.resolve(version, data)
    else this.reread()
  }

  /** Somebody wrote at a path. */
  patched(version: number, path: string, value: TypedValue): void {
    this.writes.told(version)
    if (this.waits(version)) return
    if (version !== this.version + 1) return this.reread()
    let after: Json
    try {
      after = applyPath(this.data, path, freezeJson(value))
    } catch (error) {
      // what servers make of it differs, or is not told in JSON: the whole record says
      this.wire.report(new MessageParseError({ message: `record ${this.name}: ${(error as Error).message}` }), "notice")
      return this.reread()
    }
    this.advance(version, after)
  }

  /** The server refused a write of ours: it has this version. */
  versionExists(version: number, data: Json): void {
    this.writes.refusal(version)
    if (this.phase === "reading" && version >= this.version) return this.settleReading(version, data)
    if (this.waits(version)) return
    if (version < this.version) return this.reread()
    this.resolve(version, data)
  }

  /** The server acknowledged writes, which classic servers also do of those they refused. Returns whether a caller waited. */
  writeAcknowledged(versions: ReadonlyArray<number>, error: string | undefined): boolean {
    let waited = false
    const certainly = this.wire.dialect === "text"
    for (const version of versions) {
      const mayBe = this.writes.mayBeStored(version)
      const isStored = error === undefined && mayBe && (certainly || this.writes.isExplained(version))
      if (isStored && this.phase === "synced" && version > this.base && version <= this.version) {
        this.base = this.highest = version
      }
      const heard = error !== undefined
        ? this.writes.failed(version, new WriteFailed({ topic: "R", subject: this.name, message: error }))
        : mayBe && this.writes.acknowledged(version, certainly)
      waited ||= heard
    }
    return waited
  }

  /** The server denied a write: what we have is not what it has. Whoever waits hears of it when that is mended. */
  writeDenied(version: number | undefined, reason: DeepstreamReason): boolean {
    const waits = version !== undefined && this.writes.denied(version, reason)
    this.yielding = true
    if (this.phase === "synced") this.reread()
    return waits
  }

  /** The server refused something, and does not say what: what is not known to be there is looked after. */
  doubt(): void {
    if (this.phase === "synced" && this.version > this.base) this.reread()
  }

  /** The question for the record failed; another may succeed. */
  readFailed(): void {
    if (this.reads > 0) this.reads--
  }

  lost(): void {
    this.reads = 0
    this.wire.cancel(this.confirmation)
    // a server 5 to 7 takes no write to a record after one with a version too high: what is written now waits for what it has
    if (this.phase === "synced" && this.wire.dialect === "text") this.startReading()
    this.subscribed = false
    if (this.phase !== "loading") {
      this.wire.giveUp(this.answer)
      this.answer = undefined
    }
    this.writes.end(new OutcomeUnknown({ topic: "R", subject: this.name }))
  }

  /** The record is over for all who have it. */
  end(reason: DeepstreamReason): void {
    const { wire } = this
    this.ended = reason
    wire.giveUp(this.ack)
    wire.giveUp(this.answer)
    wire.cancel(this.confirmation)
    this.writes.end(reason)
    for (const { deadline, settle } of this.held.splice(0)) {
      wire.cancel(deadline)
      settle?.fail(reason)
    }
    const sinks = [...this.sinks]
    this.sinks.clear()
    for (const sink of sinks) sink.over(reason)
  }

  /** The record was deleted, here or elsewhere. */
  deleted(): void {
    this.end(new RecordDeleted({ topic: "R", subject: this.name }))
  }

  /** While the truth is on its way, what is told only says how recent it has to be. */
  private waits(version: number): boolean {
    if (this.phase === "synced") return false
    if (version > this.highest) this.highest = version
    return true
  }

  /** Somebody wrote on top of everything we have. */
  private advance(version: number, data: Json): void {
    this.resends = 0
    this.writes.stored(version)
    this.version = this.base = this.highest = version
    this.change(data)
  }

  /** What the server has is certain. */
  private resolve(version: number, remote: Json): void {
    const local = this.data
    if (version > this.highest) this.highest = version
    if (version < this.base) return this.startOver(version, remote)
    if (sameJson(local, remote)) {
      this.version = this.base = version
      this.writes.resolve(this.lostTo(version))
      return
    }
    const merged = this.merged(local, version, remote)
    if (merged === undefined) {
      const reason = new VersionExists({ topic: "R", subject: this.name, local: this.version, remote: version })
      if (!this.writes.resolve(reason)) this.wire.report(reason)
    } else if (sameJson(merged, remote)) this.yieldTo(version, remote)
    else this.rewrite(version, remote, merged, (next) => this.writes.resolve(next))
  }

  /** The server's data, in place of ours. */
  private yieldTo(version: number, remote: Json): void {
    const reason = this.lostTo(version)
    this.adopt(version, remote)
    this.writes.resolve(reason)
  }

  /** The record that we had is not there any more: it was deleted, or the server has lost it. No merge brings it back. */
  private startOver(version: number, remote: Json): void {
    const reason = new RecordDeleted({ topic: "R", subject: this.name })
    this.adopt(version, remote)
    if (!this.writes.resolve(reason)) this.wire.report(reason, "notice")
  }

  private lostTo(version: number): WriteLost {
    return new WriteLost({ topic: "R", subject: this.name, version })
  }

  private merged(local: Json, remoteVersion: number, remote: Json): Json | undefined {
    const { merge, name } = this
    if (merge === "remoteWins") return remote
    if (merge === "localWins") return local
    if (merge === "none") return undefined
    try {
      const merged = jsonOf(merge({ name, local, localVersion: this.version, remote, remoteVersion }))
      if (typeof merged === "object" && merged !== null) return merged
      throw new TypeError("a merge must return an object or an array")
    } catch (cause) {
      this.wire.report(new InvalidRecordData({ topic: "R", subject: name, message: `merging ${name} failed: ${String(cause)}`, cause }))
      return remote
    }
  }

  private adopt(version: number, data: Json): void {
    this.resends = 0
    this.yielding = false
    this.version = this.base = version
    this.change(data)
  }

  /** The server stands where it stood before our writes, and no other client wrote: they were lost. */
  private resend(version: number, remote: Json): void {
    if (++this.resends <= maxResends) return this.rewrite(version, remote, this.data, (next) => this.writes.again(next))
    this.wire.report(new VersionExists({ topic: "R", subject: this.name, local: this.version, remote: version }))
    this.yieldTo(version, remote)
  }

  /** Sends the whole record on top of the server's version. What cannot be sent after all is not kept either. */
  private rewrite(version: number, remote: Json, data: Json, settled: (next: number) => void): void {
    this.version = this.base = version
    const refused = this.write(undefined, data, undefined, this.writes.awaited, () => settled(version + 1))
    if (refused === undefined) return this.change(data)
    this.adopt(version, remote)
    if (!this.writes.resolve(refused)) this.wire.report(refused)
  }

  private written(version: number, path: string | undefined, value: Json | undefined, config: string | undefined): string {
    const { name } = this
    const more = config === undefined ? {} : { config }
    return path === undefined
      ? encodeRecordUpdate({ name, version, data: stringify(value)!, ...more })
      : encodeRecordPatch({ name, version, path, value: Typed.of(value), ...more })
  }

  private write(
    path: string | undefined,
    value: Json | undefined,
    settle: Settle<WriteOutcome> | undefined,
    acknowledged = settle !== undefined,
    posted: () => void = () => {}
  ): DeepstreamReason | undefined {
    const { name, wire } = this
    const version = this.version + 1
    const denied = wire.denied("R", path === undefined ? "U" : "P", name)
    if (denied !== undefined) return denied
    const text = encoded(
      this.name,
      () => this.written(version, path, value, acknowledged ? writeConfig : undefined),
      wire.options.maxMessage
    )
    if (typeof text !== "string") return text
    const letter = wire.post("R", name, text)
    if (!isLetter(letter)) return letter
    this.version = version
    posted()
    this.writes.add(version, letter, wire.open ? settle : undefined)
    if (!wire.open) settle?.fail(new WriteUnconfirmed({ topic: "R", subject: name }))
    return undefined
  }

  private startReading(): void {
    this.phase = "reading"
    this.sent = this.data
    this.expectRead()
  }

  /** Asks for the truth. Without a connection, the next one brings it. */
  private reread(): void {
    if (!this.wire.open) return
    // what is asked for now is at least as recent as all that was told
    this.highest = -1
    if (this.phase === "synced") this.startReading()
    this.reads++
    this.asked(this.wire.tell(encodeRecordSnapshot({ name: this.name })))
  }

  /**
   * Some of our writes may not be in the answer: servers answer questions before writes that came first. But they are there, since the
   * question was asked after them; when the server has had time for them, a second answer decides.
   */
  private confirm(version: number): void {
    const { wire } = this
    this.unconfirmed = version
    this.expectRead()
    wire.cancel(this.confirmation)
    this.confirmation = wire.after(wire.options.confirmDelay, () => this.reread())
  }

  private expectRead(): void {
    const { wire } = this
    wire.giveUp(this.answer)
    this.answer = wire.expect(wire.options.recordReadTimeout, undefined, () => {
      this.answer = undefined
      this.tooLate(new ResponseTimeout({ topic: "R", subject: this.name }))
      if (this.phase !== "reading") return
      this.reads = 0
      if (wire.open) this.reread()
      this.expectRead()
    })
  }

  /** The letter that asks for what is waited for. */
  private asked(letter: Letter | undefined): void {
    for (const expected of [this.ack, this.answer]) if (expected !== undefined) expected.letter = letter
  }

  private expect(): void {
    const { wire } = this
    this.ack = wire.expect(wire.options.recordReadAckTimeout, undefined, () => {
      this.ack = undefined
      this.tooLate(new AckTimeout({ topic: "R", subject: this.name }))
    })
    this.expectRead()
  }

  private tooLate(reason: DeepstreamReason): void {
    let heard = false
    for (const sink of Array.from(this.sinks)) heard = sink.late(reason) || heard
    if (!heard) this.wire.report(reason)
  }

  /** Keeps a write until it can be sent. Whoever waits for its acknowledgement does not wait longer for that. */
  private hold(path: string | undefined, value: Json | undefined, settle: Settle<WriteOutcome> | undefined): void {
    const { wire } = this
    const held: HeldWrite = { path, value, settle, deadline: undefined }
    this.held = [...this.held, held]
    if (settle === undefined) return
    if (this.ready && !wire.open) {
      held.settle = undefined
      return settle.fail(new WriteUnconfirmed({ topic: "R", subject: this.name }))
    }
    held.deadline = wire.after(wire.options.recordWriteTimeout, () => {
      held.settle = undefined
      settle.fail(new AckTimeout({ topic: "R", subject: this.name }))
    })
  }

  /**
   * Writes that were made before the record was read, or while the truth was on its way. When it turned out to be another than their writers
   * saw, with this version, those who wait for an outcome are in conflict: as refused ones they are lost, or merged.
   */
  private release(conflict?: number): void {
    for (const { deadline, path, settle: waiting, value } of this.held.splice(0)) {
      this.wire.cancel(deadline)
      let settle = waiting
      if (waiting !== undefined && conflict !== undefined) {
        if (this.merge === "remoteWins" || this.merge === "none") {
          waiting.fail(
            this.merge === "none"
              ? new VersionExists({ topic: "R", subject: this.name, local: this.version, remote: conflict })
              : this.lostTo(conflict)
          )
          continue
        }
        settle = { succeed: () => waiting.succeed("merged"), fail: waiting.fail }
      }
      const refused = this.set(path, value, settle)
      if (refused !== undefined) this.lose(refused, settle)
    }
  }

  /** A write that could not be sent after all. */
  private lose(reason: DeepstreamReason, settle: Settle<WriteOutcome> | undefined): void {
    if (settle === undefined) this.wire.report(reason)
    else settle.fail(reason)
  }

  private change(data: Json): void {
    this.data = data
    if (!this.quiet) this.show()
  }

  private show(): void {
    const { data, shown } = this
    if (data === shown) return
    this.shown = data
    if (sameJson(data, shown)) return
    for (const sink of Array.from(this.sinks)) sink.changed(data, shown)
  }
}
