/** What the whole-stack simulation is made of beside both ends: the application, the trace, and who hears the wire. */
import type { DcpEvent } from "@wirewright/dcp"
import { Opcode } from "@wirewright/dcp/gen"
import type { VbucketHistory } from "@wirewright/dcp/producer"
import type { BucketChange } from "../../packages/embedded/src/BucketChange.ts"
import type { Tap } from "@wirewright/testing"

interface Done {
  readonly seqno: bigint
  readonly key: string
  readonly value: string | undefined
}

/** What an application made of the changes. It outlives the consumers, as a database does. */
export class Application {
  private readonly vbuckets = new Map<number, Array<Done>>()

  handle(event: DcpEvent): void {
    switch (event._tag) {
      case "Mutation":
        return this.apply(event.vbucket, { seqno: event.seqno, key: event.key, value: new TextDecoder().decode(event.value) })
      case "Deletion":
      case "Expiration":
        return this.apply(event.vbucket, { seqno: event.seqno, key: event.key, value: undefined })
      case "Rollback":
        this.vbuckets.set(event.vbucket, (this.vbuckets.get(event.vbucket) ?? []).filter(({ seqno }) => seqno <= event.to))
    }
  }

  private apply(vbucket: number, done: Done): void {
    const before = (this.vbuckets.get(vbucket) ?? []).filter(({ seqno }) => seqno !== done.seqno)
    this.vbuckets.set(vbucket, [...before, done])
  }

  /** The value of each key. */
  image(vbucket: number): ReadonlyMap<string, string> {
    const newest = new Map<string, Done>()
    for (const done of this.vbuckets.get(vbucket) ?? []) if ((newest.get(done.key)?.seqno ?? -1n) < done.seqno) newest.set(done.key, done)
    return new Map([...newest].flatMap(([key, { value }]) => value === undefined ? [] : [[key, value] as const]))
  }

  /** How it differs from what the node has; undefined when it does not. */
  difference(vbucket: number, { image }: VbucketHistory<BucketChange>): string | undefined {
    const ours = this.image(vbucket)
    const theirs = new Map(
      [...image.values()].flatMap((change) =>
        change.kind === "mutation" ? [[change.document.key, Buffer.from(change.document.value).toString()] as const] : []
      )
    )
    for (const key of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
      if (ours.get(key) === theirs.get(key)) continue
      return `vbucket ${vbucket}, ${key}: the node has ${theirs.get(key) ?? "none"}, the application ${ours.get(key) ?? "none"}`
    }
    return undefined
  }
}

/** What happened, line by line with its virtual time, and how often each kind of thing did. */
export class Trace {
  readonly lines: Array<string> = []
  readonly counts = new Map<string, number>()
  private readonly start = Date.now()

  line(text: string): void {
    this.lines.push(`${Date.now() - this.start} ${text}`)
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }
}

const names = new Map<number, string>(Object.entries(Opcode).map(([name, code]) => [code, name]))
const headerSize = 24

/**
 * Writes each packet of every connection to a trace: direction, connection, what it is, and its vbucket or status; of stream requests and of their
 * answers the body, too.
 */
export const packetsTo = (trace: Trace): Tap => {
  const rests = new Map<string, Buffer>()
  return (connection, direction, bytes) => {
    const way = direction === "toServer" ? "→" : "←"
    const which = `${way} ${connection}`
    let rest = Buffer.concat([rests.get(which) ?? Buffer.alloc(0), bytes])
    while (rest.length >= headerSize && rest.length >= headerSize + rest.readUInt32BE(8)) {
      const end = headerSize + rest.readUInt32BE(8)
      const opcode = rest[1]!
      const answer = rest[0] === 0x81 || rest[0] === 0x18
      const body = opcode === Opcode.DcpStreamRequest ? ` ${rest.subarray(headerSize, end).toString("hex")}` : ` ${end - headerSize} bytes`
      trace.line(`${which} ${names.get(opcode) ?? opcode}${answer ? " status" : ""} ${rest.readUInt16BE(6)}${body}`)
      rest = rest.subarray(end)
    }
    rests.set(which, rest)
  }
}
