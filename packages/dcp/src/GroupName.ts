/**
 * A group's name as one that every store takes: a file name, a document's key, a key of a key-value store. Pure.
 *
 * No two groups share one, also where upper and lower case are the same (Windows, macOS), where text must be UTF-8, and where names have a
 * longest length. Names of lower-case letters, digits, `_` and `-` stay as they are.
 */
import { createHash } from "node:crypto"

/**
 * Characters of the longest name. With the 6 of `/owner` and a prefix of up to 112 it fits a document's key of 246 bytes, which is what
 * is left of 250 after the longest collection prefix; with the ending of a file it is below the 143 that encrypted directories leave of 255.
 */
export const longestGroupName = 128

/** Names of devices, which Windows does not take for files. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)$/

const escaped = (bytes: Iterable<number>): string => Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")

/** The bytes of a character in UTF-8; of a lone surrogate, which UTF-8 does not have, by the same rule. */
const bytesOf = (character: string): Iterable<number> => {
  const code = character.codePointAt(0)!
  return code >= 0xd800 && code <= 0xdfff
    ? [0xe0 | code >> 12, 0x80 | code >> 6 & 0x3f, 0x80 | code & 0x3f]
    : new TextEncoder().encode(character)
}

/** The name under which a group is stored. */
export const groupName = (group: string): string => {
  // "%" and "%~" begin no escape, so that no other group has them
  if (group === "") return "%"
  const name = group.replace(/[^a-z0-9_-]/gu, (character) => escaped(bytesOf(character)))
  if (devices.test(name)) return `${escaped(bytesOf(name))}${name.slice(1)}`
  if (name.length <= longestGroupName) return name
  const end = `%~${createHash("sha256").update(name).digest("hex")}`
  return name.slice(0, longestGroupName - end.length).replace(/%.?$/, "") + end
}
