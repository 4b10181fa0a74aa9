/** Records: those that are open here, and what can be asked and done without opening one. */
import { stringify } from "@wirewright/codec/JsonPrint"
import { Typed, type TypedValue } from "./Typed.ts"
import type { Expected } from "./Answers.ts"
import {
  AckTimeout,
  DeleteTimeout,
  type DeepstreamReason,
  InvalidMessage,
  type MessageDenied,
  MessageParseError,
  RecordNotFound,
  ServerFailed,
  type Topic,
  UnsolicitedMessage,
  WriteFailed,
  WriteLost
} from "./DeepstreamError.ts"
import {
  encodeRecordCreateOrRead,
  encodeRecordDelete,
  encodeRecordDiscard,
  encodeRecordHas,
  encodeRecordHead,
  encodeRecordSnapshot,
  encodeRecordUpsert,
  encodeRecordUpsertPatch
} from "./gen/Encode.ts"
import { type Json, jsonOf } from "./Json.ts"
import { setPath } from "./JsonPath.ts"
import type { WriteOutcome } from "./PendingWrites.ts"
import { Questions } from "./Questions.ts"
import { isRefusedAtPath, parseData, type RecordSink, RecordState, writeConfig } from "./RecordState.ts"
import type { MergeStrategy } from "./SessionOptions.ts"
import { encoded, failAll, isLetter, type Settle, type Wire } from "./Wire.ts"

/** A record as it is at one moment. */
export interface Snapshot {
  readonly version: number
  readonly data: Json
}

const topic: Topic = "R"

/** The name, unless it is one of those that servers 3.2 find in every object: a write to such a record ends them. */
const keepable = (name: string): string => {
  if (name in Object.prototype) throw new TypeError(`${name} cannot be the name of a record`)
  return name
}

/** The records of a session. */
export class RecordTopic {
  private readonly wire: Wire
  readonly records = new Map<string, RecordState>()
  /** Discards that the server has not acknowledged, by name. */
  private readonly leaving = new Map<string, Array<Expected>>()
  private readonly deletions: Questions<void>
  /** Writes without a subscription that wait for their acknowledgement. */
  private readonly upserts: Questions<WriteOutcome>
  /** Upserts that a classic server refused and will acknowledge all the same, by name. */
  private readonly refusedUpserts = new Map<string, number>()
  private readonly snapshots: Questions<Snapshot>
  private readonly hasQuestions: Questions<boolean>
  private readonly heads: Questions<number | undefined>

  constructor(wire: Wire) {
    this.wire = wire
    this.deletions = new Questions(wire)
    this.upserts = new Questions(wire)
    this.snapshots = new Questions(wire)
    this.hasQuestions = new Questions(wire)
    this.heads = new Questions(wire)
  }

  /** Opens a record, or joins those who have it open. Returns why it cannot be. */
  open(name: string, sink: RecordSink, merge?: MergeStrategy): RecordState | DeepstreamReason {
    const { wire } = this
    const refused = wire.closed ?? wire.denied(topic, "CR", name)
    if (refused !== undefined) return refused
    const found = this.records.get(name)
    if (found !== undefined) {
      found.sinks.add(sink)
      if (merge !== undefined) found.merge = merge
      return found
    }
    const text = encoded(name, () => encodeRecordCreateOrRead({ name: keepable(name) }), wire.options.maxMessage)
    if (typeof text !== "string") return text
    const record = new RecordState(wire, name, merge ?? wire.options.merge)
    record.sinks.add(sink)
    this.records.set(name, record)
    if (wire.open) record.request()
    return record
  }

  /** One less has the record open. The last one's leaving is told to the server. */
  release(record: RecordState, sink: RecordSink, closed: DeepstreamReason): void {
    const { name } = record
    if (!record.sinks.delete(sink) || record.sinks.size > 0 || this.records.get(name) !== record) return
    this.records.delete(name)
    record.end(closed)
    const { wire } = this
    if (!wire.open) return
    const expected = wire.expect(wire.options.subscriptionTimeout, wire.tell(encodeRecordDiscard({ name })), () => {
      this.left(name, expected)
      wire.report(new AckTimeout({ topic, subject: name }))
    })
    this.leaving.set(name, [...this.leaving.get(name) ?? [], expected])
  }

  /** Deletes a record, open here or not. */
  delete(name: string, settle: Settle<void>): void {
    const late = new DeleteTimeout({ topic, subject: name })
    const timeout = this.wire.options.recordDeleteTimeout
    this.deletions.ask(name, {
      topic,
      action: "D",
      subject: name,
      encode: () => encodeRecordDelete({ name: keepable(name) }),
      timeout,
      late
    }, settle)
  }

  /**
   * Writes a record, or what is at a path, without opening it; it is made when it does not exist. Without `settle` no caller hears of the
   * outcome, and the result says why it was not taken here.
   */
  upsert(name: string, path: string | undefined, given: TypedValue, settle?: Settle<WriteOutcome>): DeepstreamReason | undefined {
    const { wire } = this
    const open = this.records.get(name)
    if (open !== undefined) return open.set(path, given, settle)
    let value: Json | undefined
    try {
      value = path !== undefined && given === undefined ? undefined : jsonOf(given)
      if (path === undefined ? typeof value !== "object" || value === null : setPath({}, path, value ?? null) === undefined) {
        throw new TypeError("only objects and arrays can be a record")
      }
    } catch (error) {
      return new InvalidMessage({ message: `record ${name}: ${(error as Error).message}` })
    }
    if (path !== undefined && wire.dialect === "text" && isRefusedAtPath(value)) {
      return new InvalidMessage({
        message: `record ${name}: this server takes ${JSON.stringify(value)} at a path only of a record that is open`
      })
    }
    const config = settle === undefined ? "{}" : writeConfig
    const encode = (): string =>
      path === undefined
        ? encodeRecordUpsert({ name: keepable(name), version: -1, data: stringify(value)!, config })
        : encodeRecordUpsertPatch({ name: keepable(name), version: -1, path, value: Typed.of(value), config })
    if (settle === undefined) {
      const denied = wire.denied(topic, "CU", name)
      const text = denied ?? encoded(name, encode, wire.options.maxMessage)
      const letter = typeof text === "string" ? wire.post(topic, name, text) : text
      return isLetter(letter) ? undefined : letter
    }
    const late = new AckTimeout({ topic, subject: name })
    this.upserts.ask(name, { topic, action: "CU", subject: name, encode, timeout: wire.options.recordWriteTimeout, late }, settle)
    return undefined
  }

  /** Reads a record once. Returns what gives up waiting. */
  snapshot(name: string, settle: Settle<Snapshot>): () => void {
    const open = this.records.get(name)
    if (open?.ready === true) {
      settle.succeed({ version: open.version, data: open.data })
      return () => {}
    }
    return this.snapshots.ask(name, this.question("SN", name, () => encodeRecordSnapshot({ name: keepable(name) })), settle)
  }

  /** Whether the record exists. Returns what gives up waiting. */
  has(name: string, settle: Settle<boolean>): () => void {
    if (this.records.get(name)?.exists === true) {
      settle.succeed(true)
      return () => {}
    }
    // servers 5 to 7 do not answer R|H; both say the version
    if (this.wire.dialect === "text") {
      return this.head(name, { succeed: (version) => settle.succeed(version !== undefined), fail: settle.fail })
    }
    return this.hasQuestions.ask(name, this.question("H", name, () => encodeRecordHas({ name: keepable(name) })), settle)
  }

  /** The version of a record; undefined when there is none. Returns what gives up waiting. */
  head(name: string, settle: Settle<number | undefined>): () => void {
    const open = this.records.get(name)
    if (open?.ready === true) {
      settle.succeed(open.version)
      return () => {}
    }
    return this.heads.ask(name, this.question("HD", name, () => encodeRecordHead({ name: keepable(name) })), settle)
  }

  /** A whole record arrived. */
  received(name: string, version: number, json: string): void {
    const record = this.records.get(name)
    const asked = this.snapshots.waiting(name) > 0
    if (record === undefined && !asked) return this.unsolicited(name)
    const data = parseData(json)
    if (data === undefined) {
      const reason = this.malformed(name)
      failAll(this.snapshots.takeAll(name), reason)
      record?.readFailed()
      return
    }
    for (const { succeed } of this.snapshots.takeAll(name)) succeed({ version, data })
    record?.read(version, data)
  }

  updated(name: string, version: number, json: string): void {
    const record = this.records.get(name)
    if (record === undefined) return this.unsolicited(name)
    const data = parseData(json)
    if (data === undefined) this.malformed(name)
    else record.updated(version, data)
  }

  patched(name: string, version: number, path: string, value: Typed): void {
    const record = this.records.get(name)
    if (record === undefined) return this.unsolicited(name)
    record.patched(version, path, value.value)
  }

  versionExists(name: string, version: number, json: string): void {
    const record = this.records.get(name)
    if (record === undefined) {
      if (!this.upsertRefused(name, version)) this.unsolicited(name)
      return
    }
    const data = parseData(json)
    if (data === undefined) this.malformed(name)
    else record.versionExists(version, data)
  }

  writeAcknowledged(name: string, json: string, result: Typed): void {
    const versions = versionsOf(json)
    if (versions === undefined) return void this.malformed(name)
    const { value } = result
    const error = value === null || value === undefined ? undefined : String(value)
    const waited = this.records.get(name)?.writeAcknowledged(versions, error) ?? false
    const upserted = versions.map((version) => version === -1 && this.settleUpsert(name, error)).includes(true)
    if (waited || upserted) return
    if (error !== undefined) this.wire.report(new WriteFailed({ topic, subject: name, message: error }))
    else this.wire.report(new UnsolicitedMessage({ topic, subject: name }), "notice")
  }

  /** Whether a discard of it is not acknowledged yet. */
  isLeaving(name: string): boolean {
    return this.leaving.has(name)
  }

  acknowledged(action: string, name: string): void {
    const record = this.records.get(name)
    if (action === "S") {
      if (record !== undefined) record.acknowledged()
      else this.unsolicited(name)
    } else if (action === "US") {
      const [expected] = this.leaving.get(name) ?? []
      if (expected === undefined) return this.wire.report(new UnsolicitedMessage({ topic, subject: name }))
      this.left(name, expected)
    } else if (action === "D") this.deleted(name, record)
    else this.wire.report(new UnsolicitedMessage({ topic, subject: name }))
  }

  provided(name: string, has: boolean): void {
    const record = this.records.get(name)
    if (record === undefined) this.unsolicited(name)
    else record.provided(has)
  }

  hasAnswered(name: string, exists: boolean): void {
    const asked = this.hasQuestions.take(name)
    if (asked === undefined) this.late(name)
    else asked.succeed(exists)
  }

  /** Servers 5 to 7 say −1 of a record that does not exist. */
  headAnswered(name: string, version: number): void {
    const asked = this.heads.take(name)
    if (asked === undefined) this.late(name)
    else asked.succeed(version < 0 ? undefined : version)
  }

  /** A question could not be answered. The action is empty when the server does not say which. */
  questionFailed(action: string, name: string, code: string): void {
    const missing = code === "RECORD_NOT_FOUND"
    const reason = missing
      ? new RecordNotFound({ topic, subject: name })
      : new ServerFailed({ topic, subject: name, code, data: [name] })
    if (action === "HD" || action === "" && this.snapshots.waiting(name) === 0) {
      const asked = this.heads.take(name)
      if (asked !== undefined) return missing ? asked.succeed(undefined) : asked.fail(reason)
    }
    if (action === "H") {
      const asked = this.hasQuestions.take(name)
      if (asked !== undefined) return missing ? asked.succeed(false) : asked.fail(reason)
    }
    const asked = action === "SN" || action === "" ? this.snapshots.take(name) : undefined
    if (asked !== undefined) return asked.fail(reason)
    this.records.get(name)?.readFailed()
    this.wire.report(reason)
  }

  /** The server could not use a message, which it repeats, or only the value in it. */
  invalid(original: ReadonlyArray<string>): void {
    const named = original.find((field) => this.records.has(field))
    for (const record of named === undefined ? this.records.values() : [this.records.get(named)!]) record.doubt()
  }

  /** Any other error about records. Returns whether a call hears of it. */
  failed(code: string, name: string, reason: DeepstreamReason): boolean {
    // it says what happened, but not to which record
    if (code === "RECORD_DELETE_ERROR") return fails(this.deletions.take(name) ?? this.deletions.take(this.deletions.first ?? ""), reason)
    if (code === "CACHE_RETRIEVAL_TIMEOUT" || code === "STORAGE_RETRIEVAL_TIMEOUT" || code === "RECORD_LOAD_ERROR") {
      const asked = this.snapshots.take(name) ?? this.heads.take(name)
      asked?.fail(reason)
      if (asked === undefined) this.records.get(name)?.readFailed()
      return asked !== undefined
    }
    if (code !== "RECORD_CREATE_ERROR") return false
    return this.over(name, reason)
  }

  /** The server denied something about records. Returns whether a call hears of it. */
  refused(denied: MessageDenied): boolean {
    const { action, rest, subject } = denied
    switch (action) {
      case "CR":
      case "S":
      // servers 3.x name the half of CR that they deny
      case "R":
        return this.over(subject, denied)
      case "C":
        return this.over(subject, denied) || fails(this.upserts.take(subject), denied)
      case "SN":
        return fails(this.snapshots.take(subject), denied)
      case "H":
        return fails(this.hasQuestions.take(subject), denied)
      case "HD":
        return fails(this.heads.take(subject), denied)
      case "D":
        return fails(this.deletions.take(subject), denied)
      case "CU":
        return fails(this.upserts.take(subject), denied)
      case "U":
      case "P": {
        const version = Number(rest[0])
        const record = this.records.get(subject)
        if (record === undefined) return fails(this.upserts.take(subject), denied)
        return record.writeDenied(Number.isSafeInteger(version) ? version : undefined, denied)
      }
      default:
        return false
    }
  }

  resubscribe(): void {
    for (const record of this.records.values()) record.request()
    this.snapshots.reask()
    this.hasQuestions.reask()
    this.heads.reask()
  }

  lost(): void {
    for (const all of this.leaving.values()) for (const expected of all) this.wire.giveUp(expected)
    this.leaving.clear()
    for (const record of Array.from(this.records.values())) record.lost()
    this.refusedUpserts.clear()
    this.deletions.lost()
    this.upserts.lost()
  }

  close(reason: DeepstreamReason): void {
    for (const all of this.leaving.values()) for (const expected of all) this.wire.giveUp(expected)
    this.leaving.clear()
    const records = [...this.records.values()]
    this.records.clear()
    for (const record of records) record.end(reason)
    this.deletions.close(reason)
    this.upserts.close(reason)
    this.snapshots.close(reason)
    this.hasQuestions.close(reason)
    this.heads.close(reason)
  }

  private question(action: string, name: string, encode: () => string) {
    return { topic, action, subject: name, encode, timeout: this.wire.options.recordReadTimeout }
  }

  private deleted(name: string, record: RecordState | undefined): void {
    const waiting = this.deletions.takeAll(name)
    if (waiting.length === 0 && record === undefined) return this.unsolicited(name)
    this.records.delete(name)
    for (const { succeed } of waiting) succeed()
    record?.deleted()
  }

  private over(name: string, reason: DeepstreamReason): boolean {
    const record = this.records.get(name)
    this.records.delete(name)
    record?.end(reason)
    return record !== undefined
  }

  /** Somebody else wrote at the same time. Returns whether a call hears of it. */
  private upsertRefused(name: string, version: number): boolean {
    const asked = this.upserts.take(name)
    asked?.fail(new WriteLost({ topic, subject: name, version }))
    if (asked !== undefined && this.wire.dialect !== "text") this.refusedUpserts.set(name, (this.refusedUpserts.get(name) ?? 0) + 1)
    return asked !== undefined
  }

  private settleUpsert(name: string, error: string | undefined): boolean {
    const refused = this.refusedUpserts.get(name) ?? 0
    if (refused > 1) this.refusedUpserts.set(name, refused - 1)
    else this.refusedUpserts.delete(name)
    if (refused > 0) return true
    const asked = this.upserts.take(name)
    if (error === undefined) asked?.succeed("stored")
    else asked?.fail(new WriteFailed({ topic, subject: name, message: error }))
    return asked !== undefined
  }

  private left(name: string, expected: Expected): void {
    this.wire.answered(expected)
    const rest = (this.leaving.get(name) ?? []).filter((other) => other !== expected)
    if (rest.length === 0) this.leaving.delete(name)
    else this.leaving.set(name, rest)
  }

  /** About a record that is not open: late when it has just been left. */
  private unsolicited(name: string): void {
    this.wire.report(new UnsolicitedMessage({ topic, subject: name }), this.isLeaving(name) ? "notice" : "error")
  }

  /** An answer to a question that is no longer awaited. */
  private late(name: string): void {
    this.wire.report(new UnsolicitedMessage({ topic, subject: name }), "notice")
  }

  private malformed(name: string): MessageParseError {
    const reason = new MessageParseError({ message: `record ${name}: what should be JSON is none` })
    this.wire.report(reason)
    return reason
  }
}

const fails = <A>(settle: Settle<A> | undefined, reason: DeepstreamReason): boolean => {
  settle?.fail(reason)
  return settle !== undefined
}

const versionsOf = (json: string): ReadonlyArray<number> | undefined => {
  const versions = parseData(json)
  return Array.isArray(versions) && versions.every(Number.isSafeInteger) ? versions as ReadonlyArray<number> : undefined
}
