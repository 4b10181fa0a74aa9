/** Most bytes of types, and what tells how many of them there are. */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { TypeModel } from "@wirewright/codec/Model"
import { numberBytes } from "@wirewright/codec/words/Numbers"
import { fixedSize, leastSize } from "@wirewright/codec/words/Sizes"

/** Bytes of a type: always at least `least`, never more than `most`; without `most`, as many as a length or an end says. */
export interface SizeRange {
  readonly least: number
  readonly most?: number
}

const mostOf = (catalog: Catalog, type: TypeModel): number | undefined => {
  const fixed = fixedSize(catalog, type)
  if (fixed !== undefined) return fixed
  switch (type.kind) {
    case "varint":
    case "escaped":
    case "decimal":
      return numberBytes(type)
    case "lengthOf":
    case "countOf":
    case "bodyLength":
      return mostOf(catalog, type.of)
    case "tagOf":
      return mostOf(catalog, type.of)
    case "optional":
      return mostOf(catalog, type.of)
    case "when": {
      const [of, other] = [mostOf(catalog, type.of), type.else === undefined ? 0 : mostOf(catalog, type.else)]
      return of === undefined || other === undefined ? undefined : Math.max(of, other)
    }
    case "bytes":
    case "utf8":
    case "json":
    case "text":
      return type.max === undefined ? undefined : type.max + (type.until?.length ?? 0) / 2
    case "align":
      return type.to - 1
    case "bool":
      return Math.max(type.true.length, type.false.length) / 2
    default:
      return undefined
  }
}

/** Bytes of a type. */
export const sizeRange = (catalog: Catalog, type: TypeModel): SizeRange => {
  const most = mostOf(catalog, type)
  return { least: leastSize(catalog, type), ...(most === undefined ? {} : { most }) }
}
