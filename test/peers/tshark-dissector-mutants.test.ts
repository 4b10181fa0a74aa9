/** Printed dissectors in tshark, with packets that are wrong: ten thousand mutants, and never an error of Lua. */
import { models as dcp } from "@wirewright/dcp/gen/Model"
import { models as deepstream } from "@wirewright/deepstream/gen/Model"
import type { Model } from "@wirewright/codec/Model"
import { random } from "@wirewright/codec/Random.fixture"
import { afterAll, expect, it } from "vitest"
import { examplesOf, mutated } from "../dissector/Questions.ts"
import type { Question } from "../dissector/Lua.ts"
import { all } from "../gallery/All.ts"
import { Recorded } from "../gallery/Conversations.ts"
import { ask } from "./dissector/Fields.ts"
import { cleanUp, printed, proto, written } from "./dissector/Run.ts"
import { PcapFile } from "./Pcap.ts"

afterAll(cleanUp)

const port = 4242
const mutants = 10_000

const subjects: ReadonlyArray<readonly [string, ReadonlyArray<Model>, () => ReadonlyArray<Question>]> = [
  ["DCP", dcp, () => examplesOf(dcp)],
  ["deepstream", deepstream, () => examplesOf(deepstream)],
  ...all.map((one) =>
    [
      one.title,
      one.models,
      () => new Recorded(one).packets.map(({ bytes, one: { reading } }): Question => ({ bytes, ...reading }))
    ] as const
  )
]
const each = Math.ceil(mutants / subjects.length)

/** Mutants of a protocol in a capture: some alone in their connection, some one after another, the other way too, and as datagrams. */
const captureOf = (questions: ReadonlyArray<Question>): Uint8Array => {
  const below = random(12)
  const pcap = new PcapFile()
  const some = Array.from({ length: each }, () => {
    const bytes = mutated(questions[below(questions.length)]!.bytes, below)
    return { fromClient: below(2) === 0, bytes: bytes.subarray(0, 4096) }
  }).filter(({ bytes }) => bytes.length > 0)
  for (let at = 0; at < some.length;) {
    const next = at + 1 + below(4)
    if (below(3) === 0) pcap.datagrams(port, some.slice(at, next))
    else pcap.dialogue(port, some.slice(at, next))
    at = next
  }
  return pcap.bytes()
}

const faulty = (file: string, script: string) => {
  const { rows, stderr } = ask({ file, script }, ["frame.number", `${proto}`, "_ws.expert.message", `${proto}.malformed`])
  const all = [...stderr.split("\n"), ...rows.map((row) => row.join(" "))]
  return { rows, faults: all.filter((line) => /Lua Error|\.lua:|stack traceback|Trying to fetch|Dissector bug/.test(line)) }
}

it.each(subjects)("%s: no error of Lua", (title, models, questions) => {
  const capture = written("mutants.pcap", captureOf(questions()))
  const { script } = printed(models, { ports: [port] })
  const { faults, rows } = faulty(capture, script)
  const refused = rows.filter((row) => row[3] !== undefined && row[3] !== "").length
  console.log(`${title}: ${each} mutants, ${refused} frames with what is malformed`)
  expect(faults.slice(0, 3)).toEqual([])
  expect(refused).toBeGreaterThan(0)
})

it("an error of Lua is seen", () => {
  const [, models, questions] = subjects[0]!
  const capture = written("mutants.pcap", captureOf(questions().slice(0, 3)))
  const { script } = printed(models, { ports: [port] }, (text) => text.replace("local text = summary_of(out)", "local text = nil .. out"))
  expect(faulty(capture, script).faults.length).toBeGreaterThan(0)
})
