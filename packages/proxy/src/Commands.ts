/**
 * What the proxy does with each command of the classic protocol. Names, quietness and kinds of reply come from the generated tables; this
 * only says which commands are passed on, answered here, or refused.
 */
import { Opcode, requestCommands } from "@wirewright/memcached/gen"

/** A command as the proxy sees it. */
export interface ProxiedCommand {
  readonly opcode: number
  readonly name: string
  /** The outcome that is not reported to the client. */
  readonly quiet: "success" | "miss" | undefined
  /** Several answers, the last one empty. */
  readonly many: boolean
  /** Opcode sent upstream: a quiet command goes there as its loud counterpart, so that every request has an answer. */
  readonly loud: number
  /** Changes something, so that losing its answer is ambiguous. */
  readonly writes: boolean
  /** Its key must not be empty: memcached would give up the whole connection. */
  readonly keyed: boolean
  /** Signs a client in, where it must; SASL is between a client and the proxy. */
  readonly signsIn: boolean
  readonly treatment: "forward" | "acknowledge" | "quit" | "refuse"
}

/** Answered where they are: their answer says that what came before is done, and only the proxy knows that. */
const acknowledged: ReadonlyArray<number> = [Opcode.Noop]

/**
 * Never passed on, and answered as memcached 1.6.18 answers without SASL: Unknown command, which clients take for "nobody needs to sign in".
 * SASL would authenticate a connection that clients share; memcached waits for the body of VERBOSITY a second time and so swallows the next
 * packet.
 */
const sasl: ReadonlyArray<number> = [Opcode.SaslListMechs, Opcode.SaslAuth, Opcode.SaslStep]
const refused: ReadonlyArray<number> = [...sasl, Opcode.Verbosity]

const keyless: ReadonlyArray<number> = [Opcode.Version, Opcode.Stat, Opcode.Flush]

/** Whatever is not listed here writes. */
const reads: ReadonlyArray<number> = [Opcode.Get, Opcode.GetK, Opcode.Gat, Opcode.GatK, Opcode.Touch, Opcode.Version, Opcode.Stat]

const opcodes = new Map(Object.entries(Opcode).map(([name, opcode]) => [name, opcode as number]))

const describe = (opcode: number): ProxiedCommand | undefined => {
  const known = requestCommands[opcode]
  if (known === undefined) return undefined
  const loud = known.quiet === undefined ? opcode : opcodes.get(known.name.slice(0, -1))!
  return {
    opcode,
    name: known.name,
    quiet: known.quiet,
    many: known.reply === "many",
    loud,
    writes: !reads.includes(loud),
    keyed: !keyless.includes(loud),
    signsIn: sasl.includes(loud),
    treatment: acknowledged.includes(loud) ? "acknowledge" : loud === Opcode.Quit ? "quit" : refused.includes(loud) ? "refuse" : "forward"
  }
}

/** Commands by opcode. */
export const proxiedCommands: ReadonlyArray<ProxiedCommand | undefined> = Array.from({ length: 256 }, (_, opcode) => describe(opcode))
