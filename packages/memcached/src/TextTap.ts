/** Looking on at clients of the text protocol without seeing their passwords. Pure. */
import type { ServerClient, ServerTap } from "@wirewright/connection"
import { carriageReturn, lineFeed } from "./Ascii.ts"
import type { TextLines } from "./TextLines.ts"

/** As many bytes, of which only the line end is left. */
const blanked = (frame: Uint8Array): Uint8Array => {
  const blank = new Uint8Array(frame.length)
  if (frame.at(-1) === lineFeed) blank[frame.length - 1] = lineFeed
  if (frame.at(-2) === carriageReturn) blank[frame.length - 2] = carriageReturn
  return blank
}

/** Clients of the text protocol, and who looks on at them. */
export interface TextTap {
  /** Whom the server tells; nobody where nobody looks on. */
  readonly limits: { readonly tap?: ServerTap }
  /** Is told what cuts the lines of a client that speaks the text protocol. */
  readonly speaks: (client: ServerClient, lines: TextLines) => void
}

/** A tap that is shown no password of the text protocol. */
export const withoutPasswords = (tap: ServerTap | undefined): TextTap => {
  const received = tap?.received
  if (received === undefined) return { limits: tap === undefined ? {} : { tap }, speaks: () => {} }
  const linesOf = new WeakMap<ServerClient, TextLines>()
  return {
    limits: {
      tap: { ...tap, received: (frame, client) => received(linesOf.get(client)?.isSecret === true ? blanked(frame) : frame, client) }
    },
    speaks: (client, lines) => void linesOf.set(client, lines)
  }
}
