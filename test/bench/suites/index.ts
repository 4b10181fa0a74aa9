/** All suites, in the order of the table. */
import type { Contender, Suite } from "../Suite.ts"
import * as decode from "./decode.ts"
import * as deepstream from "./deepstream.ts"
import * as encode from "./encode.ts"
import * as frame from "./frame.ts"
import { gallery } from "./gallery.ts"

const deepstreamContender = (pass: () => number) => async (): Promise<Contender> => {
  const { messages } = deepstream.suite.prepare()
  return { messages, pass, check: () => `${pass()} of ${messages} messages` }
}

const deepstreamParse: Suite = {
  name: deepstream.suite.name,
  about: "deepstream messages; split/split makes the parts only, generated makes typed messages",
  baseline: "split/split",
  limit: 0.5,
  contenders: Object.fromEntries(Object.entries(deepstream.suite.contenders).map(([name, pass]) => [name, deepstreamContender(pass)]))
}

export const suites: ReadonlyArray<Suite> = [decode.suite, encode.suite, frame.suite, frame.smallChunks, deepstreamParse, ...gallery]

/** Names that stand for several suites. */
export const groups: Readonly<Record<string, ReadonlyArray<string>>> = { gallery: gallery.map(({ name }) => name) }
