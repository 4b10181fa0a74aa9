/**
 * What people paste: hex in any spelling, dumps of xxd, tcpdump and hexdump, base64, the JSON of `decode --json`, lines with a direction in
 * front, text of protocols that are text. It guesses the form, says which it took, and does as told. Pure.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { bytesOfDigits, bytesOfHex } from "@wirewright/codec/Hex"
import type { Direction } from "../ProtocolAdapter.ts"

/** How text is read. */
export type PastedForm = "hex" | "base64" | "json" | "text"

/** Bytes, or the JSON of a packet, and who sent it if that was said. */
export type Piece =
  & { readonly direction?: Direction | undefined }
  & ({ readonly bytes: Uint8Array } | { readonly json: { readonly [key: string]: unknown } })

/** What was pasted. */
export interface Pasted {
  readonly form: PastedForm
  readonly pieces: ReadonlyArray<Piece>
}

const directed = /^\s*(c2s|s2c)\s+(.*)$/

const base64Only = /^[A-Za-z0-9+/_\s-]+={0,2}\s*$/

/** Bytes of base64, standard or for URLs; nothing when it is none. */
export const bytesOfBase64 = (text: string): Uint8Array | undefined => {
  const digits = text.replaceAll(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "")
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) return undefined
  const characters = atob(digits)
  return Uint8Array.from(characters, (character) => character.charCodeAt(0))
}

/** Base64 with `=`. */
export const base64Of = (bytes: Uint8Array): string => {
  let characters = ""
  for (let at = 0; at < bytes.length; at += 0x2000) characters += String.fromCharCode(...bytes.subarray(at, at + 0x2000))
  return btoa(characters)
}

const hexOrNothing = (text: string): Uint8Array | undefined => {
  try {
    return bytesOfHex(text)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return undefined
  }
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const directionOf = (value: unknown): Direction | undefined => value === "c2s" || value === "s2c" ? value : undefined

/** The objects of JSON text: one, a list, or one a line. Throws `SyntaxError`. */
const objectsOf = (text: string): ReadonlyArray<unknown> => {
  try {
    const all: unknown = JSON.parse(text)
    return Array.isArray(all) ? all : [all]
  } catch (error) {
    const lines = text.split("\n").filter((line) => line.trim() !== "")
    if (lines.length < 2 || !lines.every((line) => line.trimStart().startsWith("{"))) throw error
    return lines.map((line): unknown => JSON.parse(line))
  }
}

const jsonPieces = (text: string): ReadonlyArray<Piece> =>
  objectsOf(text).flatMap((one): ReadonlyArray<Piece> => {
    if (!isObject(one)) throw new SyntaxError("expected the object of a packet")
    // what `decode --json` has passed over
    if ("passedOver" in one) return []
    const direction = directionOf(one["direction"])
    const error = one["error"]
    if (isObject(error) && typeof error["hex"] === "string") return [{ direction, bytes: bytesOfDigits(error["hex"]) }]
    return [{ direction, json: one }]
  })

/** Text as a protocol of lines has it: what is typed on several lines ends each with CR and LF. */
const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text.replaceAll(/\r?\n/g, "\r\n"))

const inForm = (text: string, form: PastedForm): ReadonlyArray<Piece> => {
  if (form === "json") return jsonPieces(text)
  if (form === "text") return [{ bytes: textBytes(text) }]
  const read = (part: string): Uint8Array => form === "hex" ? bytesOfHex(part) : bytesOfBase64(part) ?? bytesOfHex("not base64")
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"))
  const found = lines.map((line) => directed.exec(line))
  if (lines.length > 0 && found.every((match) => match !== null)) {
    return found.map((match) => ({ direction: directionOf(match[1]), bytes: read(match[2]!) }))
  }
  return [{ bytes: read(text) }]
}

const guessed = (text: string): PastedForm => {
  const start = text.trimStart()
  if (/^[{[]/.test(start)) {
    try {
      objectsOf(text)
      return "json"
    } catch {
      // brackets are also around lists of hex
    }
  }
  const plain = text.split("\n").filter((line) => !line.startsWith("#")).map((line) => directed.exec(line)?.[2] ?? line).join("\n")
  if (hexOrNothing(text) !== undefined || plain !== text && plain.split("\n").every((line) => hexOrNothing(line) !== undefined)) {
    return "hex"
  }
  const digits = text.replaceAll(/\s/g, "")
  return base64Only.test(text) && digits.length % 4 === 0 && digits.length >= 8 && !/^[a-z]+ /.test(text) ? "base64" : "text"
}

/** Reads what was pasted. Throws `DecodeError` (`Syntax`) and `SyntaxError` for what is not of the form that was asked for. */
export const readPasted = (text: string, form: PastedForm | "auto" = "auto"): Pasted => {
  const taken = form === "auto" ? guessed(text) : form
  return { form: taken, pieces: inForm(text, taken) }
}
