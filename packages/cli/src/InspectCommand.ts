/** `wirewright inspect`: one page that takes packets apart, served on this machine or written to a file. */
import { captureFormatOf } from "@wirewright/capture"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { spawn } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { basename } from "node:path"
import { endpoint } from "./Endpoint.ts"
import { failureOfDefect, refuse, usage } from "./Failure.ts"
import { jsonFlag, on, optional, repeated, withDefault } from "./Flags.ts"
import { openInput } from "./Input.ts"
import { inspector, inspectorScript } from "./InspectFlag.ts"
import { flush, line, say } from "./Output.ts"
import { loadPageProtocol } from "./Protocols.ts"
import { untilTold } from "./UntilTold.ts"

const parameters = {
  file: Argument.String("file").pipe(
    Argument.withDescription("Packets as binary, or a pcap or pcapng capture, gzipped or not; - for stdin"),
    Argument.optional
  ),
  protocol: repeated(
    Flag.String("protocol"),
    "A protocol as decode takes it, by name or by the directory of its generated code; the page finds out which of several it is",
    "what is in the file of dcp, memcached and deepstream; dcp without a file"
  ),
  server: repeated(
    Flag.String("server"),
    "For captures: PORT or HOST:PORT of the server, where the capture does not tell enough, or its packets are UDP",
    "all TCP connections"
  ),
  out: optional(Flag.String("out"), "Write the page to this file, which needs no server and no network", "the page is served on 127.0.0.1"),
  port: withDefault(Flag.Int("port"), "Port on 127.0.0.1, 0: any free one", 0),
  open: on("open", "Open the page in the browser"),
  json: jsonFlag("A line of JSON that says where the page is")
}

/** Largest file that is put into a page: browsers take a document of twice the size. */
const maxFile = 256 * 1024 * 1024

const bytesIn = async (file: string): Promise<Uint8Array> => {
  const parts: Array<Uint8Array> = []
  let size = 0
  for await (const part of (await openInput(file)).all) {
    parts.push(part)
    size += part.length
    if (size > maxFile) refuse(`${file} has more than ${maxFile} bytes; give a part of it`)
  }
  return Buffer.concat(parts)
}

/** Names of the protocols that are looked for in a file. */
const lookedFor = ["dcp", "memcached", "deepstream"] as const

/** The protocol of most packets in a file. */
const protocolIn = async (file: Uint8Array): Promise<string> => {
  const { detect, detectCapture } = await import("@wirewright/inspector/reading")
  const adapters = []
  for (const name of lookedFor) adapters.push(await loadPageProtocol(name))
  const found = captureFormatOf(file) === undefined ? detect(adapters, file).adapter : detectCapture(adapters, file)
  return lookedFor[adapters.indexOf(found)]!
}

const opener: { readonly [platform: string]: readonly [command: string, ...args: ReadonlyArray<string>] } = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""]
}

/** Opens an address in the person's browser; that there is none is said. */
const openBrowser = (url: string): void => {
  const [command, ...args] = opener[process.platform] ?? ["xdg-open"]
  const child = spawn(command, [...args, url], { stdio: "ignore", detached: true })
  child.once("error", () => say(`no browser could be opened; open ${url}`))
  child.unref()
}

/** A server of a capture: a port, or an address with one. */
const serverText = (text: string): string => {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text
  const { host, port } = endpoint(text)
  return `${host}:${port}`
}

/** The command. */
export const inspectCommand = Command.make("inspect", parameters, (options) =>
  Effect.scoped(Effect.gen(function*() {
    const { json, open, out, port } = options
    if (out !== undefined && port !== 0) return yield* usage("--port goes with a page that is served, not with --out")
    if (port < 0 || port > 65_535) return yield* usage(`--port ${port}: there are ports 0 to 65535`)
    const page = yield* Effect.tryPromise({
      try: async () => {
        const servers = options.server.map(serverText).join(", ")
        const source = Option.getOrUndefined(options.file)
        const file = source === undefined ? undefined : await bytesIn(source)
        const protocols = options.protocol.length > 0 ? options.protocol : [file === undefined ? "dcp" : await protocolIn(file)]
        const script = await inspectorScript(protocols)
        const { pageHtml } = await inspector()
        return pageHtml(script, {
          ...source === undefined ? {} : { name: source === "-" ? "stdin" : basename(source) },
          ...servers === "" ? {} : { servers },
          file
        })
      },
      catch: failureOfDefect
    })
    if (out !== undefined) {
      yield* Effect.tryPromise({ try: () => writeFile(out, page), catch: failureOfDefect })
      line(json ? JSON.stringify({ written: out, bytes: Buffer.byteLength(page) }) : out)
      if (open) openBrowser(out)
      return yield* Effect.promise(flush)
    }
    const { servePage } = yield* Effect.promise(inspector)
    const server = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => servePage({ page: () => page, port }),
        catch: (error) => usage(`--port ${port}: ${error instanceof Error ? error.message : String(error)}`)
      }),
      ({ close }) => Effect.promise(close)
    )
    line(json ? JSON.stringify({ ready: true, url: server.url, port: server.port }) : server.url)
    yield* Effect.promise(flush)
    if (open) openBrowser(server.url)
    return yield* untilTold(Effect.never)
  }))).pipe(
    Command.withShortDescription("Look into packets and captures in a page"),
    Command.withDescription(
      "Inspect: one page for packets of any protocol. Paste hex, base64, xxd or JSON, or drop a capture: bytes and fields side by side, both "
        + "directions, requests with their answers, errors at their byte; edit a value and the bytes follow, edit bytes and the fields follow; "
        + "compare two packets; copy one as an example of a spec or as a test. The page is served on 127.0.0.1, and its address printed; it has "
        + "everything in it, and sends nothing anywhere. serve --inspect, proxy --inspect and tail --inspect show what passes."
    ),
    Command.withExamples([
      { command: "wirewright inspect --open", description: "An empty page to paste into" },
      { command: "wirewright inspect session.pcapng.gz", description: "A capture" },
      {
        command: "wirewright inspect --protocol ./src/gen --out inspector.html",
        description: "A page for a protocol of your own, to be sent around"
      }
    ])
  )
