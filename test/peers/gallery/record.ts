/**
 * Writes test/fixtures/gallery/*.json afresh: `node --conditions=@wirewright/source test/peers/gallery/record.ts [protocol…]`, after
 * `npm run test:peers` has installed the servers and clients. Only real peers have a part in it, none of our codecs.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { parseRecording } from "./Foreign.ts"
import { fixture, parsedFixture, print } from "./Recording.ts"
import { recorders } from "./Recorders.ts"

const names = process.argv.slice(2)
for (const name of names.length === 0 ? Object.keys(recorders) : names) {
  const recorder = recorders[name]
  if (recorder === undefined) throw new Error(`no recorder is called ${name}; there are ${Object.keys(recorders).join(", ")}`)
  const recording = await recorder()
  const text = print(recording)
  mkdirSync(dirname(fixture(name)), { recursive: true })
  writeFileSync(fixture(name), text)
  const parsed = parseRecording(name, recording)
  if (parsed !== undefined) {
    const lines = parsed.conversations.map((conversation) => JSON.stringify(conversation))
    writeFileSync(parsedFixture(name), `{"parser":${JSON.stringify(parsed.parser)},"conversations":[\n${lines.join(",\n")}\n]}\n`)
  }
  process.stdout.write(`${name}: ${recording.conversations.length} conversations, ${text.length} bytes, with ${recording.origin.server}\n`)
}
