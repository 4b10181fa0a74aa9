/** Tokens: fields that stand in a line with separators between them. They are fields of the record around them. */
import { textOfHex } from "../Hex.ts"
import { expectLiteral } from "../Ends.ts"
import type { FieldModel, TypeModel } from "../Model.ts"
import { findUntil } from "./Numbers.ts"
import { leastSize } from "./Sizes.ts"
import type { Word } from "./Word.ts"

type Tokens = Extract<TypeModel, { readonly kind: "tokens" }>

/** Whether there may be no token for a field. */
export const mayBeMissing = ({ type }: FieldModel): boolean => type.kind === "optional" || type.kind === "array"

/** Literals that may stand where an optional field does: of the optional fields next to it. In hexadecimal digits. */
export const literalsAfter = (fields: ReadonlyArray<FieldModel>, index: number): ReadonlyArray<string> => {
  const out: Array<string> = []
  for (const { type } of fields.slice(index + 1)) {
    if (type.kind !== "optional") break
    if (type.of.kind === "literal") out.push(type.of.hex)
  }
  return out
}

/** All bytes of a line that is always the same, in hexadecimal digits. */
export const fixedLine = ({ fields, separator, until }: Tokens): string | undefined => {
  const texts = fields.map(({ type }) => type.kind === "literal" ? type.hex : undefined)
  return until === undefined || texts.length === 0 || texts.includes(undefined) ? undefined : texts.join(separator) + until
}

const prefixOf = (path: string): string => path.includes(".") ? path.slice(0, path.lastIndexOf(".") + 1) : ""

/** The words of this file. */
export const tokensWords: { readonly tokens: Word<Tokens> } = {
  tokens: {
    least: (type, types) => {
      const needed = type.fields.reduce(
        (sum, { type: of }) => sum + (of.kind === "array" ? of.min ?? 0 : of.kind === "optional" ? 0 : 1),
        0
      )
      const content = type.fields.reduce((sum, field) => sum + leastSize(types, field.type), 0)
      return content + Math.max(0, needed - 1) * type.separator.length / 2 + (type.until?.length ?? 0) / 2
    },
    ends: (type) => type.until !== undefined,
    summary: () => "tokens",
    walk: (walk, type, spot) => {
      // a line that is not all there is not looked for where its length claims it to be
      if (type.until === undefined && Math.floor(spot.end) > walk.reader.bytes.length) {
        walk.need(spot.path, spot.at, spot.end - spot.at, spot.end)
      }
      const fixed = fixedLine(type)
      if (fixed !== undefined) {
        const path = prefixOf(spot.path) + type.fields[0]!.name
        expectLiteral(walk.reader, spot.at, walk.stop(spot.end), textOfHex(fixed), 0, walk.packet, path)
      }
      const stop = type.until === undefined ? Math.floor(spot.end) : findUntil(walk, type.until, spot.at, walk.stop(spot.end), spot.path)
      walk.tokens(type, prefixOf(spot.path), spot.at, stop, spot.scope)
      return stop + (type.until?.length ?? 0) / 2
    }
  }
}
