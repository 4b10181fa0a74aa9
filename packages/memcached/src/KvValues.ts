/** Keys and values as callers give them, and as they are sent and told. */
import { decodeText } from "@wirewright/codec"
import type * as Options from "./KvOptions.ts"

const encoder = new TextEncoder()

/** A key as text. */
export const textOf = (key: Options.Key): string => typeof key === "string" ? key : decodeText(key, 0, key.length)

/** A value as bytes. */
export const bytesOf = (value: Options.Value): Uint8Array => typeof value === "string" ? encoder.encode(value) : value
