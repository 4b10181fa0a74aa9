/**
 * Text of peers as it may be shown to people: whatever a terminal acts on, and whatever changes the order or the lines of text, is spelled
 * out. This is the only place that knows which characters those are.
 *
 * They are the control characters (C0, DEL, C1), the controls of bidirectional text (Unicode Standard Annex 9), the line and paragraph
 * separators, invisible format characters and tags, and lone surrogates. The joiners U+200C and U+200D are ordinary spelling in several
 * scripts and stay.
 */

/** A character that is spelled out. */
const hidden =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/u
const allHidden = new RegExp(hidden.source, "gu")
const allWithinLines = new RegExp(`(?![\\n\\t])${hidden.source}`, "gu")
const allAndBackslash = new RegExp(`${hidden.source}|\\\\`, "gu")

const names: { readonly [character: string]: string | undefined } = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" }

/** The JSON spelling of a character: two units of UTF-16 for those beyond U+FFFF. */
const spelled = (character: string): string => {
  const name = names[character]
  if (name !== undefined) return name
  let out = ""
  for (let i = 0; i < character.length; i++) out += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`
  return out
}

const spelledByte = (character: string): string => {
  const code = character.charCodeAt(0)
  return code >= 0xdc80 && code <= 0xdcff ? `\\x${(code - 0xdc00).toString(16)}` : spelled(character)
}

/**
 * Text on one line: `\n`, `\r`, `\t` or `\u202e` instead of the characters. Backslashes stay, so a line of JSON is still a line of JSON with the
 * same values, and a message that quotes something quotes it still. What must be told apart from its spelling goes through `escaped`.
 */
export const visible = (text: string): string => hidden.test(text) ? text.replace(allHidden, spelled) : text

/** Text of several lines: like `visible`, but newlines and tabs stay, and bytes that are no UTF-8 (see `Text`) are `\x80`. */
export const visibleLines = (text: string): string => hidden.test(text) ? text.replace(allWithinLines, spelledByte) : text

/**
 * A value on one line, such that no two values look alike: as `visible`, with backslashes doubled, and bytes that are no UTF-8 as `\x80`.
 */
export const escaped = (text: string): string => text.replace(allAndBackslash, spelledByte)
