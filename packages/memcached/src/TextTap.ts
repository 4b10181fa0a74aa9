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

/** A tap that is shown no password of the text protocol; `linesOf` are what cuts the lines of a client, where it speaks that. */
export const withoutPasswords = (tap: ServerTap, linesOf: (client: ServerClient) => TextLines | undefined): ServerTap => {
  const { received } = tap
  return received === undefined
    ? tap
    : { ...tap, received: (frame, client) => received(linesOf(client)?.isSecret === true ? blanked(frame) : frame, client) }
}
