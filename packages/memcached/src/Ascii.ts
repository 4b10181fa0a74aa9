/** Bytes of the text protocol by the characters they are. */

/** The byte of a character. */
export const byteOf = (character: string): number => character.charCodeAt(0)

export const nul = byteOf("\0")
export const lineFeed = byteOf("\n")
export const carriageReturn = byteOf("\r")
export const space = byteOf(" ")
export const zero = byteOf("0")
