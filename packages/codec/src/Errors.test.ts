/** Errors of codecs are ordinary errors that effect can tell by their tags. */
import * as Effect from "effect/Effect"
import { inspect } from "node:util"
import { describe, expect, it } from "vitest"
import { DecodeError, EncodeError, incomplete, malformed, unencodable } from "./Errors.ts"

const thrown = (run: () => never): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}

const wrong = () => malformed("Length", "Get", "key", 24, "5 bytes", "4 bytes")
const unwritable = () => unencodable("Range", "Get", "", "0…255", "256")

describe("errors of codecs", () => {
  it("say where, what was expected and what was there", () => {
    expect(thrown(wrong)).toMatchObject({
      _tag: "DecodeError",
      name: "DecodeError",
      message: "Get.key at byte 24: expected 5 bytes, got 4 bytes",
      reason: "Length",
      packet: "Get",
      path: "key",
      offset: 24,
      expected: "5 bytes",
      got: "4 bytes",
      incomplete: false
    })
    expect(thrown(() => incomplete("Get", "", 3, "24 bytes", "3 bytes"))).toMatchObject({ reason: "Incomplete", incomplete: true })
    expect(thrown(unwritable)).toMatchObject({ _tag: "EncodeError", name: "EncodeError", message: "Get: expected 0…255, got 256" })
  })

  it("are errors: of their class, with a stack that begins with their name, and shown by it", () => {
    const error = thrown(wrong) as DecodeError
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(DecodeError)
    expect(String(error)).toBe("DecodeError: Get.key at byte 24: expected 5 bytes, got 4 bytes")
    expect(error.stack).toMatch(/^DecodeError: Get\.key at byte 24: expected 5 bytes, got 4 bytes\n {4}at /)
    expect(inspect(error)).toContain("DecodeError: Get.key at byte 24")
    expect(thrown(unwritable)).toBeInstanceOf(EncodeError)
  })

  it("are made anew from what another one consists of", () => {
    const first = thrown(wrong) as DecodeError
    const again = new DecodeError({ ...first, got: "nothing" })
    expect(again).toMatchObject({ ...first, got: "nothing", message: "Get.key at byte 24: expected 5 bytes, got nothing" })
  })

  it("are caught by their tag once effect has them", async () => {
    const caught = (run: () => never) =>
      Effect.try({ try: run, catch: (error) => error as DecodeError | EncodeError }).pipe(
        Effect.catchTag("DecodeError", ({ offset }) => Effect.succeed(`byte ${offset}`)),
        Effect.catchTag("EncodeError", ({ reason }) => Effect.succeed(reason)),
        Effect.runPromise
      )
    expect(await caught(wrong)).toBe("byte 24")
    expect(await caught(unwritable)).toBe("Range")
  })
})
