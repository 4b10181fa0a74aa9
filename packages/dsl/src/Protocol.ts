/** Protocols: a frame with its commands, and their extension by others. */
import { mark } from "./CallSite.ts"
import type { Command } from "./Command.ts"
import type { Enumeration, Flags } from "./Flags.ts"
import type { Frame } from "./Frame.ts"
import type { Choice, NibbleFrames, Struct } from "./Records.ts"

/** Types that are generated although no command mentions them. */
export type NamedType = Struct | Choice | NibbleFrames | Flags | Enumeration

/** What a protocol adds to its base, or all of it when there is none. */
export interface ProtocolOptions {
  /** Lower-case name; the generated entry module is named after it. */
  readonly name: string
  /**
   * Where those who extend this protocol find its generated code: the specifier of a package, such as `@wirewright/dcp/gen`, or within a
   * project the path of its directory from this file, such as `./src/gen`.
   */
  readonly module: string
  readonly commands: ReadonlyArray<Command>
  readonly types?: ReadonlyArray<NamedType>
}

/** A binary protocol. */
export interface Protocol<F extends Frame = Frame> extends ProtocolOptions {
  readonly kind: "protocol"
  readonly frame: F
  readonly base?: Protocol
  readonly removes?: ReadonlyArray<string>
}

/** What a protocol adds to its base and takes from it. */
export interface ExtendOptions extends ProtocolOptions {
  readonly frame?: Frame
  /** Names of the base's commands that this protocol does not have: to decoders they are unknown packets. */
  readonly removes?: ReadonlyArray<string>
}

/** A protocol of its own. */
export const protocol = <F extends Frame>(frame: F, options: ProtocolOptions): Protocol<F> =>
  mark({ ...options, kind: "protocol" as const, frame }, protocol)

/**
 * A protocol that speaks all of `base` and more, but for what it `removes`. Commands with an opcode of the base replace it; those without
 * one replace their namesake. `frame` is the base's frame in the new dialect (more statuses, more connection states); headers stay the same.
 */
export const extend = <F extends Frame = Frame>(base: Protocol<F>, options: ExtendOptions): Protocol =>
  mark({ frame: base.frame, ...options, kind: "protocol" as const, base }, extend)

/** Records without a protocol around them, such as a file format's. */
export interface TypesOnly {
  readonly kind: "types"
  /** Lower-case name. */
  readonly name: string
  /** Import specifier of the generated code. */
  readonly module: string
  readonly types: ReadonlyArray<NamedType>
}

/** Named types alone: the generator makes readers and writers of them, but no packets. */
export const types = (options: Omit<TypesOnly, "kind">): TypesOnly => mark({ ...options, kind: "types" as const }, types)
