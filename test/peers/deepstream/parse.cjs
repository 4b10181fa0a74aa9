/**
 * `parse.cjs client|classic|text`: what the parser of deepstream's official client 2.3.4, of the server 3.2.5, or of the text endpoint of the
 * server 7.0.2 makes of messages. Messages come as lines of JSON on standard input, what is made of each goes out as one line: `parsed`, and
 * `refused` with what the parser complained of. Typed values stand in `typed`.
 */
const [kind] = process.argv.slice(2)
const complaints = []
// the parsers tell what they do not like in three ways
console.log = (...words) => void complaints.push(words.join(" "))
const listener = { _$onError: (_topic, event, message) => void complaints.push(`${event} ${message}`) }

/** A value, or why it is none. */
const valued = (convert) => {
  const before = complaints.length
  const value = convert()
  const complaint = complaints.splice(before).join()
  return complaint === "" ? typedOf(value) : { error: complaint }
}

const typedOf = (value) => value instanceof Error ? { error: value.message } : value === undefined ? { undefined: true } : { value }

const parts = ({ convertTyped, parse }) => (text, typed) =>
  parse(text).map((message) => {
    if (message === null) {
      if (complaints.length === 0) complaints.push("null")
      return null
    }
    const { action, data, topic } = message
    return { parts: [topic, action, ...data], typed: typed.map((at) => valued(() => convertTyped([topic, action, ...data][at]))) }
  })

/** It makes up what a message does not say: those identifiers are left out. */
const text = () => {
  const parser = require("@deepstream/server/dist/src/connection-endpoint/websocket/text/text-protocol/message-parser")
  const { ACTIONS_BYTE_TO_TEXT: actions, TOPIC_BYTE_TO_TEXT: topics } = require(
    "@deepstream/server/dist/src/connection-endpoint/websocket/text/text-protocol/constants"
  )
  return (message) =>
    parser.parse(message).map(({ action, data, isAck, isErr, parsedData, topic, ...rest }) => {
      if (parser.correlationIdToVersion.has(rest.correlationId) || parser.bulkNameToCorrelationId.has(rest.correlationId)) {
        delete rest.correlationId
      }
      // it does not say that it could not take the data apart
      const failure = parsedData === undefined ? parser.parseData({ topic, action, data }) : undefined
      return { fields: { topic: topics[topic], action: actions[topic][action], isAck, isErr, data, ...rest }, parsedData: typedOf(failure instanceof Error ? failure : parsedData) }
    })
}

const client = () => {
  const parser = require("deepstream.io-client-js/src/message/message-parser")
  return parts({ parse: (message) => parser.parse(message, listener), convertTyped: (value) => parser.convertTyped(value, listener) })
}

const parse = { client, text, classic: () => parts(require("deepstream.io/src/message/message-parser")) }[kind]()

const lines = require("node:fs").readFileSync(0, "utf8").split("\n").filter((line) => line !== "")
for (const line of lines) {
  complaints.length = 0
  const { text, typed } = JSON.parse(line)
  let parsed = []
  try {
    parsed = parse(text, typed)
  } catch (error) {
    complaints.push(String(error))
  }
  process.stdout.write(`${JSON.stringify({ parsed, refused: complaints })}\n`)
}
