/** The page that says how the other pages are read. It is the same for every protocol. */
import { block, joined } from "./Markdown.ts"

const sample = `    Byte/     0       |       1       |       2       |       3       |
       /              |               |               |               |
      |0 1 2 3 4 5 6 7|0 1 2 3 4 5 6 7|0 1 2 3 4 5 6 7|0 1 2 3 4 5 6 7|
      +---------------+---------------+---------------+---------------+
     0| opcode = 0x50 | kind  |a|b| 0 | keyLength                     |
      +---------------+-------+-+-+---+-------------------------------+
     4| cas                                                           |
      +                                                               +
     8|                                                               |
      +---------------+---------------+---------------+---------------+
    12: digest: 32 bytes                                              :
      +---------------+---------------+---------------+---------------+
    44/ key: 0-250 bytes (keyLength)                                  /
      +---------------+---------------+---------------+---------------+
    +0? expiry: 4 bytes (if kind is 1)                                ?
      +---------------+---------------+---------------+---------------+
    +0| seqno                                                         |
      +---------------+---------------+---------------+---------------+`

/** The page. */
export const notationPage = (): string =>
  joined([
    "# How to read these pages",
    "## Grids",
    "A grid shows a packet or a record byte by byte, 32 bits in a row, as RFCs do; the highest bit of a byte stands first. The number in front of a "
    + "row is the offset of its first byte.",
    block(sample),
    [
      "- `opcode = 0x50`: always this value. Lengths and counts that never change are decimal.",
      "- `a`, `b`: letters stand for names that do not fit; the line below the grid says which. Bits without a name are `0` and must be zero.",
      "- `flags.7-4`: these bits of a field whose bits do not stand side by side, 0 being the lowest.",
      "- No line between two rows: the field goes on. `...`, or as many dots as fit: so it does, from the end of the row before.",
      "- `:` at both sides: a field of more than 16 bytes, not drawn byte by byte.",
      "- `/` at both sides: a part of variable size. `0-250 bytes` is from 0 to 250, `0+ bytes` is 0 or more; what says how many is in brackets: a "
      + "field, `to CRLF` (up to these characters, which are counted), `the rest` of the packet, or nothing where the bytes themselves tell.",
      "- `?` at both sides: a part that may be missing; when it is there is in brackets, with its size in that case.",
      "- `+4`: four bytes after the end of the last part with `/` or `?` above, be that empty or missing. In tables it is `after key + 4`."
    ].join("\n"),
    "## Lines",
    "Text is shown as it stands on the wire:",
    block("set <key> <flags> <exptime> <bytes>[ noreply]{CRLF}\n<value>{CRLF}"),
    [
      "- `<key>` is a field; the table below the line says what may stand there. Everything else is as it is, spaces included.",
      "- `[ noreply]` may be missing. `<key>...` is repeated, and so is what stands in brackets before `...`.",
      "- `{CRLF}` is carriage return and line feed, `{LF}` line feed, `{NUL}`, `{GS}`, `{RS}` and `{US}` the bytes 0x00, 0x1d, 0x1e and 0x1f. Line "
      + "breaks in these pages are for readers, and not on the wire.",
      "- `<value.length>` and `<items.count>` are the number of bytes, or of elements, of what has this name.",
      "- `\"{\"` in quotes is text that would be taken for this notation."
    ].join("\n"),
    "## Types",
    "`u8`, `u16`, `u24`, `u32` and `u64` are unsigned integers of so many bits, `i8` to `i64` signed ones; the highest byte comes first, unless `.le` "
    + "says that the lowest does. A name behind it is what the number is. `f32` and `f64` are IEEE 754. All others are explained where they are."
  ])
