/** Text that would hurt a terminal: every character that one acts on, and a line that somebody else seems to have said. */

const range = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join("")

/** Controls of terminals: C0, DEL, C1; the controls of bidirectional text; separators of lines and paragraphs. */
export const controls = `${range(0x00, 0x1f)}${range(0x7f, 0x9f)}${range(0x202a, 0x202e)}${
  range(0x2066, 0x2069)
}\u061c\u200e\u200f\u2028\u2029`

const wrapped = (middle: string): string => `<\u001b]0;own\u0007${middle}\nFORGED line>`

/** As a peer or a document says it: with invalid UTF-8 (lone surrogates stand for them). */
export const hostile = wrapped(`${controls}\udc80`)

/** As an argument of a process can have it: no NUL, no lone surrogates. */
export const hostileArgument = wrapped(controls.replace("\0", ""))

/** As a word that white space ends. */
export const hostileWord = hostileArgument.replace(/\s/g, "")

/** As a field of a deepstream message. */
export const hostileField = hostileArgument.replaceAll("\u001e", "").replaceAll("\u001f", "")

/** Whether a terminal would act on anything in it, or a line is not what it seems. */
export const acts = (text: string): boolean =>
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|^FORGED/mu.test(text)
