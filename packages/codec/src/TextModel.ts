/**
 * The canonical model of a text protocol: what the generator makes of a spec, as plain JSON.
 *
 * Like `Model.ts`: sorted, free of positions and paths, committed as `*.model.json`, the only thing the printers read. An extension's model
 * holds only what it adds, replaces and removes; `base` names the rest.
 */

/** What stands between two separators. */
export type PartModel =
  | { readonly kind: "text" | "jsonText" | "typed"; readonly max?: number }
  | { readonly kind: "integer" }
  | { readonly kind: "truth" }
  | { readonly kind: "literal"; readonly value: string }
  | { readonly kind: "optionalPart"; readonly of: PartModel }
  | { readonly kind: "restParts"; readonly max?: number }

/** A field in wire order. */
export interface TextFieldModel {
  readonly name: string
  readonly doc?: string
  readonly type: PartModel
}

/** A golden message with its real separators. */
export interface TextExampleModel {
  readonly origin: string
  readonly text: string
  readonly fields?: { readonly [name: string]: unknown }
}

/** A message. */
export interface MessageModel {
  readonly name: string
  readonly doc?: string
  readonly head: ReadonlyArray<string>
  readonly sender: "client" | "server" | "both"
  readonly fields: ReadonlyArray<TextFieldModel>
  readonly examples: ReadonlyArray<TextExampleModel>
}

/** A text protocol. */
export interface TextModel {
  readonly format: 1
  readonly kind: "text"
  readonly name: string
  readonly module: string
  /** The protocol this one extends. */
  readonly base?: { readonly name: string; readonly module: string }
  readonly fieldSeparator: number
  readonly messageSeparator: number
  /** Names of the leading literals, such as topic and action. */
  readonly head: ReadonlyArray<string>
  /** Shorter pieces are ignored. */
  readonly minMessage: number
  /** Largest message in characters, its separator not counted. */
  readonly maxMessage: number
  /** Names of the base's messages that this protocol does not have. */
  readonly removes: ReadonlyArray<string>
  /** Messages this protocol adds or replaces, by head and name. */
  readonly messages: ReadonlyArray<MessageModel>
}
