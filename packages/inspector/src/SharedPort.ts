/**
 * Two protocols that servers speak on one port, which the first byte of a connection tells apart, as memcached does: a packet of the one, or a
 * line of the other. Each connection then speaks its own for good.
 */
import { beginsLine } from "./ConversationWords.ts"
import type { GeneratedAdapter } from "./GeneratedAdapter.ts"
import type { Cutter, DecodedPacket, Direction, ProtocolAdapter, Session, Situation, States, Taken } from "./ProtocolAdapter.ts"

/** The adapter of both. */
export class SharedPort implements ProtocolAdapter {
  readonly name: string
  private readonly packets: GeneratedAdapter
  private readonly lines: GeneratedAdapter

  constructor(packets: GeneratedAdapter, lines: GeneratedAdapter) {
    this.name = packets.name
    this.packets = packets
    this.lines = lines
  }

  get known(): ProtocolAdapter["known"] {
    return this.packets.known
  }

  get ports(): ReadonlySet<number> {
    return this.packets.ports
  }

  parse(text: string): Uint8Array {
    return this.packets.parse(text)
  }

  begin(states?: States): Session {
    return this.packets.begin(states)
  }

  mistakes(session: Session): ReadonlySet<string> {
    return session.protocol === this.lines.name ? this.lines.mistakes() : this.packets.mistakes()
  }

  missing(): undefined {
    return undefined
  }

  cutter(situation: () => Situation): Cutter {
    return new FirstByteCutter((bytes) => {
      const { adapter, situation: { direction } } = this.at(bytes, 0, situation())
      return adapter.cutter(() => ({ ...situation(), direction }))
    })
  }

  plausibleHead(situation: Situation): number {
    return (situation.protocol === this.lines.name ? this.lines : this.packets).plausibleHead(situation)
  }

  /** Of a connection that was not seen from its start, a whole line tells that it consists of lines. */
  plausibleSize(bytes: Uint8Array, at: number, situation: Situation): number | undefined {
    if (situation.protocol === this.lines.name) return this.lines.plausibleSize(bytes, at, situation)
    const size = this.packets.plausibleSize(bytes, at, situation)
    if (size !== undefined || situation.protocol !== undefined || this.isPacket(bytes, at)) return size
    if (!beginsLine(bytes, at)) return undefined
    const line = this.lines.plausibleSize(bytes, at, this.sided(bytes, at, situation))
    return line === undefined || at + line > bytes.length ? undefined : line
  }

  senderOf(bytes: Uint8Array): Direction | undefined {
    return this.isPacket(bytes, 0) ? this.packets.senderOf(bytes) : this.lines.senderOf(bytes)
  }

  sizeAt(bytes: Uint8Array, at: number, situation: Situation): number | undefined {
    const found = this.at(bytes, at, situation)
    return found.adapter.sizeAt(bytes, at, found.situation)
  }

  decode(bytes: Uint8Array, at: number, situation: Situation): DecodedPacket {
    const found = this.at(bytes, at, situation)
    return { ...found.adapter.decode(bytes, at, found.situation), protocol: found.adapter.name }
  }

  after(decoded: DecodedPacket, session: Session): Session {
    return { ...this.of(decoded.protocol).after(decoded, session), protocol: decoded.protocol }
  }

  toJson(decoded: DecodedPacket): { readonly [key: string]: unknown } {
    const adapter = this.of(decoded.protocol)
    return adapter === this.lines ? { protocol: adapter.name, ...adapter.toJson(decoded) } : adapter.toJson(decoded)
  }

  fromJson(json: unknown, states?: States): Uint8Array {
    const { protocol, ...packet } = json as { readonly protocol?: string }
    return this.of(protocol).fromJson(packet, protocol === this.lines.name ? undefined : states)
  }

  isSecret(bytes: Uint8Array, situation: Situation): boolean {
    const found = this.at(bytes, 0, situation)
    return found.adapter.isSecret(bytes, found.situation)
  }

  get kinds(): ReadonlyArray<string> {
    return [...new Set([...this.packets.kinds, ...this.lines.kinds])]
  }

  taken(bytes: Uint8Array, at: number, situation: Situation, secrets?: boolean): Taken {
    const found = this.at(bytes, at, situation)
    return found.adapter.taken(bytes, at, found.situation, secrets)
  }

  dump(bytes: Uint8Array, at: number, situation: Situation, color: boolean): string {
    const found = this.at(bytes, at, situation)
    return found.adapter.dump(bytes, at, found.situation, color)
  }

  private of(protocol: string | undefined): GeneratedAdapter {
    return protocol === this.lines.name ? this.lines : this.packets
  }

  /** The protocol of what stands at `at`, and how it is to be read. */
  private at(bytes: Uint8Array, at: number, situation: Situation): { readonly adapter: GeneratedAdapter; readonly situation: Situation } {
    const isLine = situation.protocol === undefined ? !this.isPacket(bytes, at) : situation.protocol === this.lines.name
    return isLine
      ? { adapter: this.lines, situation: this.sided(bytes, at, situation) }
      : { adapter: this.packets, situation }
  }

  private isPacket(bytes: Uint8Array, at: number): boolean {
    return bytes.length === at || this.packets.begins(bytes[at]!)
  }

  /** Lines do not say who sent them: what may be a request is one. */
  private sided(bytes: Uint8Array, at: number, situation: Situation): Situation {
    if (situation.direction !== undefined || this.lines.missing(situation) === undefined) return situation
    const isRequest = this.lines.plausibleSize(bytes.subarray(at), 0, { ...situation, direction: "c2s" }) !== undefined
    return { ...situation, direction: isRequest ? "c2s" : "s2c" }
  }
}

/** Cuts what one side sends, once its first byte has told how. */
class FirstByteCutter implements Cutter {
  private readonly make: (bytes: Uint8Array) => Cutter
  private cutter: Cutter | undefined

  constructor(make: (bytes: Uint8Array) => Cutter) {
    this.make = make
  }

  get offset(): number {
    return this.cutter?.offset ?? 0
  }

  get buffered(): number {
    return this.cutter?.buffered ?? 0
  }

  get lacking(): number | undefined {
    return this.cutter?.lacking
  }

  push(...[chunk, sink]: Parameters<Cutter["push"]>): void {
    if (chunk.length === 0) return
    this.cutter ??= this.make(chunk)
    this.cutter.push(chunk, sink)
  }

  finish(): void {
    this.cutter?.finish()
  }
}
