/** Header fields and sections of a kind of packet, by their roles. */
import type { HeaderFieldModel, HeaderModel, KindModel } from "@wirewright/codec/Model"
import { isVisibleType } from "@wirewright/codec/words/Sizes"
import { hex } from "../Names.ts"
import type { Context } from "./Context.ts"

/** A header field that callers see. */
export type VisibleField = HeaderFieldModel & { readonly role: "magic" | "statusCode" | "field" }

/** Header fields that every packet of a kind carries. */
export const visibleFields = (kind: KindModel): ReadonlyArray<VisibleField> =>
  (kind.headers[0]?.fields ?? []).filter((field): field is VisibleField =>
    field.role === "magic" || field.role === "statusCode" || field.role === "field" && isVisibleType(field.type)
  )

/** The header field with a role, when there is one. */
export const fieldOf = <R extends HeaderFieldModel["role"]>(
  header: HeaderModel | undefined,
  role: R
): (HeaderFieldModel & { readonly role: R }) | undefined =>
  header?.fields.find((field): field is HeaderFieldModel & { readonly role: R } => field.role === role)

/** Bytes of the header, which may depend on its magic: `magic` is what that reads as. */
export const headerSizeOf = (headers: ReadonlyArray<HeaderModel>, magic: string): string => {
  const bySize = new Map<number, Array<HeaderModel>>()
  for (const header of headers) bySize.set(header.size, [...bySize.get(header.size) ?? [], header])
  const [[most], ...others] = [...bySize].toSorted(([, a], [, b]) => b.length - a.length) as unknown as [
    [number, unknown],
    ...Array<[number, ReadonlyArray<HeaderModel>]>
  ]
  const sizes = others.reduceRight(
    (rest, [size, those]) => `${those.map((one) => `${magic} === ${hex(one.magic ?? 0)}`).join(" || ")} ? ${size} : ${rest}`,
    String(most)
  )
  return others.length === 0 ? sizes : `(${sizes})`
}

/** Sections of a kind that commands describe. */
export const ownSections = (context: Context, kind: KindModel): ReadonlyArray<string> =>
  context.model.frame.sections.filter((section) => !kind.shared.some((one) => one.section === section))
