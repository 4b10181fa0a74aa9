/**
 * Records the gallery's binary protocols afresh into `test/fixtures/gallery`, and what tshark reads in them:
 *
 *     node_modules/.bin/node --conditions=@wirewright/source test/peers/gallery/recordBinary.ts [PROTOCOL…]
 *
 * `npm run test:peers` installs what that needs.
 */
import { binaryProtocols } from "./BinaryProtocols.ts"
import { bsonDocuments } from "./Bson.ts"
import { libraryVersion } from "./Programs.ts"
import { writeFixture, writeRecording } from "./TapBinary.ts"
import { readWithTshark } from "./TsharkFields.ts"
import { handshakeMessages, opensslVersion } from "./Tls.ts"
import { lsusbVersion, usbDevices } from "./Usb.ts"
import { tsharkVersion } from "../Tshark.ts"

/** BSON has documents, not conversations: they are kept beside those of the driver. */
const recordBson = (): void => {
  const documents = bsonDocuments()
  writeFixture("bson", { origin: libraryVersion("bson") }, "documents", documents)
  console.log(`bson: ${documents.length} documents`)
}

const wanted = process.argv.slice(2)
for (const [name, { reading, record }] of Object.entries(binaryProtocols)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const recording = await record()
  writeRecording(name, recording)
  console.log(`${name}: ${recording.conversations.length} conversations`)
  if (reading === undefined) continue
  const { malformed, packets } = readWithTshark(recording, reading)
  writeFixture(`${name}.tshark`, { tshark: tsharkVersion(), malformed }, "packets", packets)
  console.log(`${name}: tshark reads ${packets.length} packets, ${malformed.length} malformed ${malformed.slice(0, 5).join("; ")}`)
}

if (wanted.length === 0 || wanted.includes("bson")) recordBson()

if (wanted.length === 0 || wanted.includes("tls")) {
  writeFixture("tls.messages", { origin: `${await opensslVersion()}: s_client -msg` }, "messages", await handshakeMessages())
}

if (wanted.length === 0 || wanted.includes("usb")) {
  writeFixture("usb", { origin: `read by ${await lsusbVersion()}` }, "devices", await usbDevices())
}
