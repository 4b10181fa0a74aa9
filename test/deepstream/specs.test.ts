/** deepstream's own feature files, and more of the same kind, played against the client in virtual time. */
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { type Feature, readFeatures } from "./specs/FeatureFiles.ts"
import { play } from "./specs/Runner.ts"

const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const originals = readFeatures(folder("../fixtures/deepstream-specs"))
const further = readFeatures(folder("./features"))

const scenario = (
  ...steps: ReadonlyArray<string>
): ReadonlyArray<Feature> => [{ file: "made.feature", scenarios: [{ name: "made", steps }] }]

const loggedIn = [
  "the test server is ready",
  "the client is initialised",
  "the server sends the message C|A+",
  "the client logs in with username \"XXX\" and password \"YYY\"",
  "the server sends the message A|A+"
]

const failuresOf = async (features: ReadonlyArray<Feature>): Promise<ReadonlyArray<string>> =>
  (await play(features)).flatMap(({ failure, file, scenario: name }) => failure === undefined ? [] : [`${file}: ${name}: ${failure}`])

describe("feature files", () => {
  it("are all there", () => {
    expect(originals.length).toBe(26)
    expect(originals.flatMap(({ scenarios }) => scenarios).length).toBe(31)
  })

  it("pass ten times in a row, all in one process", async () => {
    for (let run = 0; run < 10; run++) expect(await failuresOf(originals)).toEqual([])
  })

  it("of redirects, lost connections, conflicts and acknowledged writes pass", async () => {
    expect(await failuresOf(further)).toEqual([])
  })
})

describe("the harness", () => {
  it("fails a step that it does not know", async () => {
    expect(await failuresOf(scenario("the client flies"))).toEqual(["made.feature: made: the client flies: no step is known by this text"])
  })

  it("fails an error that no step asserts", async () => {
    const [failure] = await failuresOf(scenario(...loggedIn, "the server sends the message B|R+"))
    expect(failure).toContain("errors that no step asserts: MESSAGE_PARSE_ERROR: Received message for unknown topic B")
  })

  it("fails an assertion that does not hold", async () => {
    for (
      const wrong of [
        "the clients connection state is \"CLOSED\"",
        "the last message the server recieved is E|S|test1+",
        "the server has 2 active connections",
        "the client throws a \"ACK_TIMEOUT\" error with message \"none\"",
        "the client is notified that client \"userA\" logged in"
      ]
    ) expect((await play(scenario(...loggedIn, wrong)))[0]).toMatchObject({ passed: 5, failure: expect.stringContaining(wrong) })
  })

  it("fails an event that came twice, or never", async () => {
    const subscribed = [...loggedIn, "the client subscribes to an event named \"test1\"", "the server sends the message E|A|S|test1+"]
    const received = "the client received the event \"test1\" with data \"x\""
    const event = "the server sends the message E|EVT|test1|Sx+"
    expect(await failuresOf(scenario(...subscribed, event, received))).toEqual([])
    expect(await failuresOf(scenario(...subscribed, event, event, received))).toHaveLength(1)
    expect(await failuresOf(scenario(...subscribed, received))).toHaveLength(1)
  })
})
