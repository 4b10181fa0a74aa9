/**
 * Records Modbus/TCP: npm's modbus-serial and pymodbus's client with pymodbus's server, modbus-serial with its own server, and the examples of
 * the protocol's document.
 */
import { once } from "node:events"
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { freePort, listening } from "../Memcached.ts"
import { hasLibrary, hasPythonModule, library, libraryVersion, python, run, start } from "./Programs.ts"
import { type Conversation, type Judge, overhear, type Recording } from "./TapBinary.ts"
import { fieldsOf, type Reading } from "./TsharkFields.ts"

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Whether pymodbus and modbus-serial are installed. */
export const available = (): boolean => hasPythonModule("pymodbus.server") && hasLibrary("modbus-serial")

type Operation =
  | "readCoils"
  | "readDiscreteInputs"
  | "readHoldingRegisters"
  | "readInputRegisters"
  | "writeCoil"
  | "writeRegister"
  | "writeCoils"
  | "writeRegisters"
  | "maskWriteRegister"
  | "readWriteRegisters"
  | "readDeviceIdentification"

/** What is used of modbus-serial. */
interface Client extends Readonly<Record<Operation, (...values: ReadonlyArray<unknown>) => Promise<unknown>>> {
  readonly connectTCP: (host: string, options: { readonly port: number }) => Promise<void>
  readonly setID: (unit: number) => void
  readonly setTimeout: (milliseconds: number) => void
  readonly close: (done: () => void) => void
}

interface ModbusSerial {
  new(): Client
  readonly ServerTCP: new(vector: Readonly<Record<string, unknown>>, options: Readonly<Record<string, unknown>>) => {
    readonly close: (done: () => void) => void
  }
}

const startPymodbus = async () => {
  const port = await freePort()
  const running = await start(python, [script("modbusServer.py"), String(port)], () => listening(port))
  return { port, end: running.end, version: /^pymodbus (\S+)$/m.exec(running.printed())![1]! }
}

const talk = (name: string, port: number, act: (client: Client) => Promise<void>): Promise<ReadonlyArray<Conversation>> =>
  overhear(name, "tcp", port, async (tapped) => {
    const client = new (library<ModbusSerial>("modbus-serial"))()
    await client.connectTCP("127.0.0.1", { port: tapped })
    client.setID(1)
    client.setTimeout(3000)
    await act(client)
    await new Promise<void>((resolve) => client.close(resolve))
  })

const bits = (count: number): ReadonlyArray<boolean> => Array.from({ length: count }, (_, i) => i % 5 < 2)
const words = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i * 4099 & 0xffff)

const common = async (client: Client): Promise<void> => {
  await client.readCoils(0, 1)
  await client.readCoils(19, 19)
  await client.readDiscreteInputs(196, 22)
  await client.readHoldingRegisters(107, 3)
  await client.readInputRegisters(8, 1)
  await client.writeCoil(172, true)
  await client.writeCoil(172, false)
  await client.writeRegister(1, 65_535)
  await client.writeCoils(19, bits(10))
  await client.writeRegisters(1, [10, 258])
}

/** What a server refuses, as modbus-serial throws it. */
const refused = async (act: () => Promise<unknown>): Promise<void> => {
  const failed = await act().then(() => false, () => true)
  if (!failed) throw new Error("that was to be refused")
}

/** Requests and responses of the MODBUS Application Protocol Specification V1.1b3, as function code and data. */
const examples: ReadonlyArray<readonly [request: string, response: string]> = [
  ["0100130013", "0103cd6b05"],
  ["0200c40016", "0203acdb35"],
  ["03006b0003", "0306022b00000064"],
  ["0400080001", "0402000a"],
  ["0500acff00", "0500acff00"],
  ["0600010003", "0600010003"],
  ["07", "076d"],
  ["080000a537", "080000a537"],
  ["0b", "0bffff0108"],
  ["0c", "0c08000001080121" + "2000"],
  ["0f0013000a02cd01", "0f0013000a"],
  ["100001000204000a0102", "1000010002"],
  ["140e0600040001000206000300090002", "140c05060dfe0020050633cd0040"],
  ["150d0600040007000306af04be100d", "150d0600040007000306af04be100d"],
  ["16000400f20025", "16000400f20025"],
  ["1700030006000e00030600ff00ff00ff", "170c00fe0acd00010003000d00ff"],
  ["1804de", "180006000201b81284"],
  ["0104a10001", "8102"]
]

const withHeader = (transaction: number, pdu: string): string => {
  const header = Buffer.alloc(7)
  header.writeUInt16BE(transaction, 0)
  header.writeUInt16BE(pdu.length / 2 + 1, 4)
  header.writeUInt8(17, 6)
  return header.toString("hex") + pdu
}

const document: Conversation = {
  name: "the document's examples",
  transport: "tcp",
  chunks: examples.flatMap(([request, response], i) => [
    { from: "client" as const, hex: withHeader(i + 1, request) },
    { from: "server" as const, hex: withHeader(i + 1, response) }
  ])
}

/** Records all of it afresh. */
export const record = async (): Promise<Recording> => {
  const pymodbus = await startPymodbus()
  const port = await freePort()
  const own = new (library<ModbusSerial>("modbus-serial").ServerTCP)({
    getCoil: (address: number) => address % 2 === 0,
    getDiscreteInput: (address: number) => address % 3 === 0,
    getHoldingRegister: (address: number) => address * 3 & 0xffff,
    getInputRegister: (address: number) => address * 5 & 0xffff,
    setCoil: () => {},
    setRegister: () => {}
  }, { host: "127.0.0.1", port, unitID: 1 })
  try {
    while (!await listening(port)) await sleep(20)
    const conversations = [
      ...await talk("modbus-serial and pymodbus", pymodbus.port, async (client) => {
        await common(client)
        await client.maskWriteRegister(4, 0xf2, 0x25)
        await client.readWriteRegisters(3, 6, 14, 3, [255, 255, 255])
        for (const code of [1, 2, 3]) await client.readDeviceIdentification(code, 0)
      }),
      ...await talk("the largest that a frame holds", pymodbus.port, async (client) => {
        await client.readCoils(0, 2000)
        await client.readDiscreteInputs(0, 2000)
        await client.writeCoils(0, bits(1968))
        for (let i = 0; i < 20; i++) {
          await client.readHoldingRegisters(i, 125)
          await client.writeRegisters(i, words(123))
        }
      }),
      ...await talk("exceptions", pymodbus.port, async (client) => {
        await refused(() => client.readCoils(60_000, 1))
        await refused(() => client.readHoldingRegisters(500, 100))
        await refused(() => client.readHoldingRegisters(0, 0))
        await refused(() => client.readInputRegisters(0, 126))
        await refused(() => client.writeRegister(60_000, 1))
        await refused(() => client.writeCoils(60_000, bits(3)))
        await refused(() => client.readDeviceIdentification(9, 0))
      }),
      ...await talk("modbus-serial on both sides", port, common),
      ...await overhear("pymodbus's client: the other function codes", "tcp", pymodbus.port, async (tapped) => {
        const { code, text } = await run(python, [script("modbusClient.py"), String(tapped)])
        if (code !== 0) throw new Error(text)
      }),
      document
    ]
    return {
      origin: {
        server: `pymodbus ${pymodbus.version}; ${libraryVersion("modbus-serial")}`,
        clients: [libraryVersion("modbus-serial"), `pymodbus ${pymodbus.version}`],
        recorded: "relay on loopback; the document's examples are from MODBUS Application Protocol Specification V1.1b3"
      },
      conversations
    }
  } finally {
    await pymodbus.end()
    await new Promise<void>((resolve) => own.close(resolve))
  }
}

/** Reads a coil, in a transaction of its own. */
const sentinel = Buffer.from("fffe00000006" + "010100000001", "hex")

/**
 * Requests go to pymodbus's server: one was understood when the server answers it with anything but "illegal function", and the request that
 * follows. Responses are read by pymodbus's client, and must be as long as they say. What it said: the answer as hexadecimal bytes, or
 * pymodbus's reading as JSON.
 */
export const judge = async (): Promise<Judge> => {
  const pymodbus = await startPymodbus()
  return {
    accepts: async (from, bytes) => {
      const frame = Buffer.from(bytes)
      if (frame.length < 8 || frame.readUInt16BE(4) !== frame.length - 6) return { understood: false, said: "length of the frame" }
      // pymodbus does not look at it
      if (frame.readUInt16BE(2) !== 0) return { understood: false, said: "another protocol" }
      if (from === "server") {
        const { code, text } = await run(python, [script("modbusRead.py"), frame.subarray(7).toString("hex")])
        return { understood: code === 0, said: text.trim() }
      }
      const socket = connect(pymodbus.port, "127.0.0.1").on("error", () => {})
      await once(socket, "connect")
      let answers = Buffer.alloc(0)
      socket.on("data", (chunk: Buffer) => answers = Buffer.concat([answers, chunk]))
      socket.write(frame)
      const whole = (): number => answers.length >= 6 ? 6 + answers.readUInt16BE(4) : 6
      for (let waited = 0; answers.length < whole() && waited < 1000; waited += 10) await sleep(10)
      const answer = answers.subarray(0, whole())
      answers = Buffer.alloc(0)
      socket.write(sentinel)
      for (let waited = 0; answers.length < 10 && waited < 1000; waited += 10) await sleep(10)
      socket.destroy()
      const answered = answer.length > 8 && answer.subarray(0, 2).equals(frame.subarray(0, 2)) && !(answer[7]! >= 0x80 && answer[8] === 1)
      return { understood: answered && answers.subarray(0, 2).equals(sentinel.subarray(0, 2)), said: answer.toString("hex") }
    },
    end: pymodbus.end
  }
}

/** What tshark is asked to read. */
export const reading: Reading = {
  dissector: "mbtcp",
  port: 502,
  fields: [
    ...fieldsOf("mbtcp", "trans_id prot_id len unit_id"),
    ...fieldsOf(
      "modbus",
      `func_code exception_code reference_num bit_cnt word_cnt byte_cnt data regval_uint16 and_mask or_mask read_reference_num read_word_cnt
      write_reference_num write_word_cnt diagnostic_code mei object_id num_objects object_str_value`
    )
  ]
}
