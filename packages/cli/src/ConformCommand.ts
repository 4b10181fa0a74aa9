/** `wirewright conform`: legal and illegal conversations with a foreign server, and what is wrong with its answers. */
import { Catalog } from "@wirewright/codec/Catalog"
import { DecodeError, EncodeError } from "@wirewright/codec/Errors"
import { adapterOf, type ProtocolAdapter } from "@wirewright/inspector/reading"
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { conform, type ConformFinding, Unreachable } from "./ConformPlay.ts"
import type { Target } from "./ConformTransport.ts"
import { counted, Failure, handler, refuse } from "./Failure.ts"
import { jsonFlag, repeated, withDefault } from "./Flags.ts"
import { flush, line, say } from "./Output.ts"
import { expectPackets, generatedProtocol, protocolDescription } from "./Protocols.ts"
import { stateParameter, statesOf } from "./States.ts"

const parameters = {
  server: Argument.String("server").pipe(
    Argument.withDescription("HOST:PORT, udp:HOST:PORT, or ws://HOST:PORT/PATH for protocols in WebSocket messages")
  ),
  protocol: Flag.String("protocol").pipe(
    Flag.withDescription(`What the server is to speak: ${protocolDescription}. Default: none, it must be said`)
  ),
  first: repeated(
    Flag.String("first"),
    "What each conversation begins with, such as a login: hex, the text of text protocols, or a packet as encode reads it",
    "nothing"
  ),
  replay: repeated(
    Flag.String("replay"),
    "Send this after the first and judge what comes, instead of playing: the line under a finding has it",
    "nothing"
  ),
  count: withDefault(Flag.Int("count"), "Conversations", 200),
  length: withDefault(Flag.Int("length"), "Packets in a conversation at most, beside the first", 12),
  seed: withDefault(Flag.Int("seed"), "The same seed says the same", 1),
  timeout: withDefault(Flag.Int("timeout"), "Milliseconds within which an answer comes", 1_000),
  wait: withDefault(Flag.Int("wait"), "Seconds in which somebody starts a server again that has ended; then it is gone on with", 0),
  state: stateParameter("What holds on every connection"),
  json: jsonFlag("NDJSON, a line for each finding")
}

const targetOf = (text: string): Target => {
  if (/^wss?:\/\/[^/\s]+/.test(text) && URL.canParse(text)) return { over: "websocket", url: text }
  const [, udp, host = "", port = ""] = /^(udp:)?(\[[0-9a-f:.]+\]|[^:/\s]+):(\d{1,5})$/i.exec(text) ?? []
  if (host === "" || Number(port) < 1 || Number(port) > 65_535) refuse(`${text}: expected HOST:PORT, udp:HOST:PORT or ws://HOST:PORT/PATH`)
  return { over: udp === undefined ? "tcp" : "udp", host: host.replace(/^\[|\]$/g, ""), port: Number(port) }
}

const bytesOf = (adapter: ProtocolAdapter, flag: string, text: string): Uint8Array => {
  try {
    return /^\s*\{\s*"packet"/.test(text) ? adapter.fromJson(JSON.parse(text)) : adapter.parse(text)
  } catch (error) {
    if (error instanceof DecodeError || error instanceof EncodeError || error instanceof SyntaxError) {
      return refuse(`--${flag} ${text}: ${error.message}`)
    }
    throw error
  }
}

/** A word of a command line. */
const quoted = (text: string): string => /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

const print = ({ conversation, finding, message, packet, received, reproduced, sent }: ConformFinding, command: string): void => {
  line(`${finding}  ${packet === "" ? "" : `${packet}: `}${message}${reproduced ? "" : " (not seen again)"}; conversation ${conversation}`)
  for (const { hex, objection, packet: of, strange } of sent) {
    const why = objection !== undefined ? `, illegal: ${objection}` : strange === undefined ? "" : `, ${strange}`
    line(`    c2s ${hex}  # ${of}${why}`)
  }
  if (received !== "") line(`    s2c ${received}`)
  const replay = sent.filter((one) => one.packet !== "first").map(({ hex }) => ` --replay ${hex}`)
  if (command !== "" && replay.length > 0) line(`    again: ${command}${replay.join("")}`)
}

/** The command. */
export const conformCommand = Command.make("conform", parameters, (options) => {
  const abort = new AbortController()
  let ended = (): void => {}
  const over = new Promise<void>((resolve) => {
    ended = resolve
  })
  return handler(async () => {
    const { count, length, seed, timeout, wait } = options
    if (count < 1) refuse("--count: expected at least 1")
    if (length < 1) refuse("--length: expected at least 1")
    if (timeout < 1 || timeout > 600_000) refuse("--timeout: from 1 to 600000 milliseconds")
    if (wait < 0) refuse("--wait: expected no less than 0 seconds")
    const target = targetOf(options.server)
    const generated = await generatedProtocol(options.protocol)
    expectPackets(options.protocol, generated.models)
    const adapter = adapterOf(generated)
    const replay = options.replay.map((text) => bytesOf(adapter, "replay", text))
    const flags = [...options.first.map((text) => ["first", text]), ...options.state.map((text) => ["state", text])] as const
    const command = replay.length > 0
      ? ""
      : [
        `wirewright conform ${quoted(options.server)} --protocol ${quoted(options.protocol)}`,
        ...flags.map(([name, text]) => `--${name} ${quoted(text!)}`)
      ].join(" ")
    try {
      const { answers, conversations, findings, isGone, packets, seen } = await conform({
        adapter,
        catalog: Catalog.of(generated.models, generated.customs),
        target,
        first: options.first.map((text) => bytesOf(adapter, "first", text)),
        ...(replay.length === 0 ? {} : { replay }),
        states: statesOf(adapter, options.state),
        seed,
        count,
        length,
        timeout,
        patience: wait * 1_000,
        onFinding: (finding) => options.json ? line(JSON.stringify({ ...finding, seed })) : print(finding, command),
        signal: abort.signal
      })
      await flush()
      say(
        `${counted(conversations, "conversation")}, ${counted(packets, "packet")} sent, ${counted(answers, "packet")} received: `
          + `${counted(findings.length, "finding")}, seen ${counted(seen, "time")}${isGone ? "; the server is gone" : ""}`
      )
      return findings.length
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      throw new Failure({ exit: "unreachable", error: "ConnectFailed", message: `${options.server}: ${error.message}` })
    } finally {
      ended()
    }
  }, (found) => counted(found, "finding")).pipe(
    // what was found so far is said before the command ends
    Effect.onInterrupt(() => {
      abort.abort()
      return Effect.asVoid(Effect.timeoutOption(Effect.promise(() => over), "2 seconds"))
    })
  )
}).pipe(
  Command.withShortDescription("Play legal and illegal conversations against a server, and judge its answers"),
  Command.withDescription(
    "Say to a server what the spec lets a client say, and what it does not, and judge what comes: whether the server ends, falls silent, "
      + "answers twice, to nobody or with another number, or says what the spec does not know. Each finding has the shortest conversation "
      + "that shows it, as decode --lines reads it. What the server stores may be lost: give it one that was started for this."
  ),
  Command.withExamples([
    { command: "wirewright conform 127.0.0.1:11211 --protocol memcached", description: "A memcached" },
    { command: "wirewright conform 127.0.0.1:9000 --protocol src/gen --seed 7 --count 2000 --json", description: "Your own, as NDJSON" },
    {
      command: "wirewright conform ws://127.0.0.1:6020/deepstream --protocol deepstream --first 'C|CHR|x+' --first 'A|REQ|{}+'",
      description: "After a login"
    }
  ])
)
