/** Reads the packets of one side of a connection, whose phase says which they are: what was sent or came may begin another. */
import { type FrameShape, measuring, type PhaseReader, type Reader } from "@wirewright/codec"

interface Packet {
  readonly _tag: string
}

/** What is known of a protocol's phases. */
export interface Phased<P, S> {
  readonly name: string
  readonly maxFrame: number
  readonly phases: { readonly [phase: string]: PhaseReader<P, S> }
  readonly next: { readonly [tag: string]: string }
}

/** Reads the packets of one side of one connection. */
export class PhasedReader<P extends Packet, S> {
  /** How long the next frame is. */
  readonly shape: FrameShape
  private readonly protocol: Phased<P, S>
  private readonly states: S
  private phase: PhaseReader<P, S>
  /** What was decoded to be measured, and where it lies. */
  private measured: P | undefined
  private reader: Reader | undefined
  private at = 0
  private readonly hasPhases: boolean

  constructor(protocol: Phased<P, S>, states: S, maxFrame = protocol.maxFrame) {
    this.protocol = protocol
    this.states = states
    this.hasPhases = Object.keys(protocol.next).length > 0
    this.phase = Object.values(protocol.phases)[0]!
    const decoded = measuring((reader, at) => {
      this.measured = this.phase.decode(reader, at, this.states)
      this.reader = reader
      this.at = at
      return reader.next - at
    })
    this.shape = {
      name: protocol.name,
      maxFrame,
      sizeAt: (reader, at, end) => (this.phase.shape?.sizeAt ?? decoded)(reader, at, end)
    }
  }

  /** Whether packets always end themselves, so that nothing need be measured. */
  get isStream(): boolean {
    return !this.hasPhases && this.phase.shape === undefined
  }

  /** Decodes the frame at `at`. Throws `DecodeError`. */
  decode(reader: Reader, at: number): P {
    const { measured } = this
    this.measured = undefined
    // frames may have been kept while others were measured
    const packet = measured !== undefined && this.reader === reader && this.at === at
      ? measured
      : this.phase.decode(reader, at, this.states)
    // before whoever is given it sends the next
    this.passed(packet._tag)
    return packet
  }

  /** A packet was sent, or came. */
  passed(tag: string): void {
    if (!this.hasPhases) return
    const { next, phases } = this.protocol
    const phase = next[tag]
    if (phase !== undefined) this.phase = phases[phase] ?? this.phase
  }
}
