/**
 * Generated scanners and the model read the same: which message it is, its fields, and whether it is one. Over all examples, and what
 * becomes of them when a field is left out, doubled, or replaced.
 */
import { annotate, Catalog, DecodeError } from "@wirewright/codec"
import { flatFields } from "@wirewright/codec/Json"
import { random } from "@wirewright/codec/Random.fixture"
import { tried } from "@wirewright/codec/Whole.fixture"
import { describe, expect, it } from "vitest"
import * as Classic from "./gen/index.ts"
import * as ClassicModel from "./gen/Model.ts"
import * as Text from "./gen7/index.ts"
import * as TextModel from "./gen7/Model.ts"

/** How often an example is changed. */
const changes = tried(15, 60)

const pieces = ["", "a", "T", "F", "5", "-1", "007", "Sx", "N5", "Nx", "{}", "[]", "E", "A", "REQ", "S", "US", "MESSAGE_DENIED", "é"]

describe.each([["classic", Classic, ClassicModel], ["text endpoint", Text, TextModel]] as const)(
  "%s",
  (_, generated, { customs, models }) => {
    const catalog = Catalog.of(models, customs)
    const decoders = { clientMessage: generated.decodeClientMessage, serverMessage: generated.decodeServerMessage }

    const scanned = (kind: keyof typeof decoders, text: string): unknown => {
      try {
        const packet = decoders[kind](text)
        return [packet._tag, flatFields(catalog, packet as never)]
      } catch (error) {
        if (error instanceof DecodeError) return "refused"
        throw error
      }
    }

    const walked = (kind: string, text: string): unknown => {
      const { error, fields, packet } = annotate(catalog, new TextEncoder().encode(`${text}\x1e`), { kind })
      if (error !== undefined) return "refused"
      const out: Record<string, unknown> = {}
      for (const { path, type, value } of fields) {
        if (type === "literal") continue
        const list = /^(.*)\[\d+\]$/.exec(path)?.[1]
        if (list !== undefined) out[list] = [...(out[list] as ReadonlyArray<unknown> | undefined) ?? [], value]
        else out[path] = type === "Typed" ? String(value) : value
      }
      return [packet, out]
    }

    it("agree on every example and its changes", () => {
      const below = random(11)
      const texts = models.flatMap(({ commands }) =>
        commands.flatMap(({ examples }) => examples.map(({ hex }) => Buffer.from(hex, "hex").toString().slice(0, -1)))
      )
      expect(texts.length).toBeGreaterThan(100)
      let understood = 0
      for (const text of texts) {
        const fields = text.split("\x1f")
        for (let i = 0; i < changes; i++) {
          const changed = [...fields]
          for (let times = i === 0 ? 0 : 1 + below(2); times > 0; times--) {
            const at = below(changed.length + 1)
            changed.splice(at, below(2), ...(below(3) === 0 ? [] : [pieces[below(pieces.length)]!]))
          }
          const message = changed.join("\x1f")
          for (const kind of ["clientMessage", "serverMessage"] as const) {
            const one = scanned(kind, message)
            if (one !== "refused" && (one as ReadonlyArray<unknown>)[0] !== "UnknownMessage") understood++
            expect([message, walked(kind, message)]).toEqual([message, one])
          }
        }
      }
      expect(understood).toBeGreaterThan(16 * changes)
    })
  }
)
