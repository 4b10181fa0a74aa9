/**
 * deepstream's messages in the parsers of its official client and of two of its servers, which run in processes of their own. The client and
 * the classic server split a message and know its values with a type; the text endpoint of server 7 knows what each part of a message is.
 */
import { Typed } from "@wirewright/deepstream/Typed"
import type { Sample } from "@wirewright/codegen/sample/Sampler"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { ForeignReading, Shown } from "./Compare.ts"
import type { Known } from "./Judge.ts"
import { type ProgramCase, valueOf } from "./Programs.ts"

const folder = fileURLToPath(new URL("../deepstream", import.meta.url))

interface Value {
  readonly value?: unknown
  readonly error?: string
}

interface Parsed {
  readonly parsed: ReadonlyArray<
    | {
      readonly parts?: ReadonlyArray<string>
      readonly typed?: ReadonlyArray<Value>
      readonly fields?: Readonly<Record<string, unknown>>
      readonly parsedData?: Value
    }
    | null
  >
  readonly refused: ReadonlyArray<string>
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8")

/** The value as JSON; `error` where it holds no JSON, which is seen when it is asked for. */
const valueOfTyped = (typed: Typed): string | undefined => {
  try {
    return JSON.stringify(typed.value)
  } catch {
    return "error"
  }
}

/** Which parts of a message have a type, and the values that they mean. */
const typedParts = ({ annotation }: Sample): ReadonlyArray<{ readonly at: number; readonly value: string | undefined }> =>
  annotation.fields.filter(({ length }) => length > 0).flatMap(({ value }, at) =>
    value instanceof Typed ? [{ at, value: valueOfTyped(value) }] : []
  )

const ask = (parser: "client" | "classic" | "text", samples: ReadonlyArray<Sample>): ReadonlyArray<Parsed> => {
  const input = samples.map((sample) => JSON.stringify({ text: text(sample.bytes), typed: typedParts(sample).map(({ at }) => at) })).join(
    "\n"
  )
  const { status, stderr, stdout } = spawnSync(process.execPath, [`${folder}/parse.cjs`, parser], {
    input,
    encoding: "utf8",
    maxBuffer: 1024 ** 3
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Parsed)
}

/** What they have for a value, where it is another. */
const otherThan = (ours: string | undefined, theirs: Value | undefined): ReadonlyArray<string> => {
  const value = theirs?.error === undefined ? JSON.stringify(theirs?.value) : "error"
  return value === ours ? [] : [`${value} for ${ours}`]
}

/** `T` and `F` are words as any others where nobody says what a part is. */
const truth = ({ annotation }: Sample, at: number, value: string): string => {
  const isTruth = annotation.fields.some((field) => field.offset === at && typeof field.value === "boolean")
  return isTruth ? value === "T" ? "true" : value === "F" ? "false" : value : value
}

/** Parts with the places that their sizes give them, and values with a type where their parser has another. */
const splitBy = (parser: "client" | "classic") => (samples: ReadonlyArray<Sample>): Promise<ReadonlyArray<ForeignReading>> =>
  Promise.resolve(
    ask(parser, samples).map(({ parsed, refused }, i) => {
      const shown: Array<Shown> = []
      const wrong = [...refused]
      for (const one of parsed) {
        let at = 0
        for (const value of one?.parts ?? []) {
          const size = Buffer.byteLength(value)
          // nothing stands between two separators: no field of ours has a place there
          if (size > 0) shown.push({ name: "part", value: truth(samples[i]!, at, value), at, size })
          at += size + 1
        }
        const typed = typedParts(samples[i]!)
        for (const [index, { value }] of typed.entries()) {
          wrong.push(...otherThan(value, one?.typed?.[index]))
        }
      }
      return { shown, refused: wrong }
    })
  )

/** It makes JSON of texts that are none on the wire. */
const unquoted = (value: string): string => value.startsWith("\"") ? JSON.parse(value) as string : value

/** JSON as ours is spelled, where that means the same. */
const asSpelled = (ours: unknown, theirs: unknown): string => {
  const text = JSON.stringify(theirs)
  return typeof ours === "string" && JSON.stringify(JSON.parse(ours)) === text ? ours : text
}

/** What the text endpoint of server 7 makes of what clients say. */
const named = (samples: ReadonlyArray<Sample>): Promise<ReadonlyArray<ForeignReading>> =>
  Promise.resolve(
    ask("text", samples).map(({ parsed, refused }, i) => {
      const shown: Array<Shown> = []
      const wrong = [...refused]
      if (parsed.length === 0 && samples[i]!.tag !== "ConnectionPong") wrong.push("nothing")
      for (const one of parsed) {
        const [typed] = typedParts(samples[i]!)
        if (typed !== undefined) wrong.push(...otherThan(typed.value, one?.parsedData))
        for (const [name, value] of Object.entries(one?.fields ?? {})) {
          if (name === "data" && typed !== undefined || value === null || value === false) continue
          if (name !== "names") shown.push({ name, value: unquoted(String(value)) })
          else if (one?.fields?.["name"] === undefined) shown.push({ name, value: asSpelled(valueOf(samples[i]!, "users"), value) })
        }
      }
      return { shown, refused: wrong }
    })
  )

const versionOf = (library: string) => (): string =>
  (JSON.parse(readFileSync(`${folder}/node_modules/${library}/package.json`, "utf8")) as { readonly version: string }).version
const isInstalled = (library: string) => (): boolean => existsSync(`${folder}/node_modules/${library}`)

const program = (library: string): Pick<ProgramCase, "isThere" | "program" | "version"> => ({
  program: library,
  isThere: isInstalled(library),
  version: versionOf(library)
})

const unknown: Known = {
  reason: "topics and actions that no document assigns: we keep them as they are",
  is: ({ tag }) => tag.startsWith("Unknown")
}

const split = { names: { part: "*" }, known: [unknown] }

/** Three parsers. */
export const deepstreamPrograms: ReadonlyArray<ProgramCase> = [
  {
    ...program("deepstream.io"),
    ...split,
    title: "package deepstream",
    kinds: ["clientMessage"],
    read: splitBy("classic")
  },
  {
    ...program("deepstream.io-client-js"),
    ...split,
    title: "package deepstream",
    kinds: ["serverMessage"],
    read: splitBy("client")
  },
  {
    ...program("deepstream.io-client-js"),
    ...split,
    title: "package deepstreamText",
    kinds: ["serverMessage"],
    read: splitBy("client")
  },
  {
    ...program("@deepstream/server"),
    title: "package deepstreamText",
    kinds: ["clientMessage"],
    read: named,
    names: {
      topic: "topicIs",
      action: "actionIs action",
      name: "name pattern",
      names: "users",
      subscription: "name match",
      path: "path",
      version: "version",
      data: "data credentials users text all",
      correlationId: "id",
      isWriteAck: "",
      isAck: "",
      isErr: ""
    },
    silent: /^ConnectionPong$/,
    known: [unknown]
  }
]
