/** Parsing deepstream messages: the generated scanner against splitting frames and messages. Per message of about 65 characters. */
import { forEachMessage } from "@wirewright/codec/Delimited"
import { decodeServerMessage, delimiting } from "@wirewright/deepstream/gen/Decode"

const count = 1000

const pad = (text: string, size: number) => text.padEnd(size, "x")

/** Frames of one to eight messages. Like text from a socket, and unlike a fresh concatenation, each is flat. */
const makeFrames = (): ReadonlyArray<string> => {
  const messages = Array.from({ length: count }, (_, index) => {
    switch (index % 4) {
      case 0:
        return `E\x1fEVT\x1fnews/${index}\x1fS${pad(`headline ${index} `, 46)}\x1e`
      case 1:
        return `R\x1fP\x1fuser/${pad(String(index), 18)}\x1f${index}\x1faddress.street\x1fSSome street ${index}\x1e`
      case 2:
        return `R\x1fR\x1fuser/${index}\x1f${index}\x1f{"name":"John","pets":[{"name":"Ruffles"}]}\x1e`
      default:
        return `P\x1fRES\x1ftoUppercase\x1f${pad(String(index), 24)}\x1fSRESULT OF ${index}\x1e`
    }
  })
  const frames: Array<string> = []
  for (let at = 0, size = 1; at < count; at += size, size = size % 8 + 1) {
    frames.push(Buffer.from(messages.slice(at, at + size).join("")).toString("latin1"))
  }
  return frames
}

let frames: ReadonlyArray<string> = []
let kept = 0

const keep = (text: string, start: number, end: number) => {
  if (decodeServerMessage(text, start, end)._tag !== "UnknownMessage") kept++
}

/** Each contender parses everything once and returns how many messages it saw. */
export const suite = {
  name: "deepstream-parse",
  prepare: () => {
    frames = makeFrames()
    const characters = frames.reduce((sum, frame) => sum + frame.length, 0)
    return { messages: count, frames: frames.length, charactersPerMessage: characters / count }
  },
  contenders: {
    "generated": (): number => {
      kept = 0
      for (const frame of frames) forEachMessage(frame, delimiting, keep)
      return kept
    },
    "split/split": (): number => {
      let seen = 0
      for (const frame of frames) {
        for (const message of frame.split("\x1e")) {
          if (message.length < 3) continue
          if (message.split("\x1f").length > 1) seen++
        }
      }
      return seen
    }
  }
}
