/** Modbus/TCP (MODBUS Application Protocol V1.1b3, MODBUS Messaging on TCP/IP V1.0b). */
import { bodyLength, frame, numbered, opcode, packetsOf, protocol } from "@wirewright/dsl"
import { array, bytes, constant, countOf, enumeration, lengthOf, prefixed, struct, u16, u8, utf8 } from "@wirewright/dsl"

const header = {
  transaction: u16,
  protocolId: constant(u16, 0),
  length: bodyLength(u16, { from: "field" }),
  unit: u8,
  functionCode: opcode(u8)
}
const modbusFrame = frame("Modbus", {
  sections: ["data"],
  kinds: {
    request: { headers: [{ fields: header }], sender: "client" },
    response: { headers: [{ fields: header }], sender: "server" }
  },
  maxFrame: 260
})
const [request, response] = [packetsOf(modbusFrame, "request"), packetsOf(modbusFrame, "response")]

/** Bytes of pymodbus 3.0 and modbus-serial; `test/fixtures/gallery` has more. */
const recorded = (hex: string) => [{ origin: "pymodbus 3.0 and modbus-serial", hex }]
/** A range of coils, inputs or registers; addresses count from 0. */
const range = { address: u16, quantity: u16 } as const
/** A bit for each coil or input, the first in the lowest bit of the first byte. */
const states = prefixed(u8, bytes())
/** 16-bit values. */
const registers = prefixed(u8, array(u16))
/** Registers to be written: how many there are is said twice, in registers and in bytes. */
const written = { quantity: countOf(u16, "registers"), byteCount: lengthOf(u8, "registers"), registers: array(u16) }
const both = { readAddress: u16, readQuantity: u16, writeAddress: u16, ...written }
const coil = { address: u16, value: enumeration("Coil", u16, { Off: 0, On: 0xff00 }, { unknown: "error" }) }
const register = { address: u16, value: u16 }
const mask = { address: u16, and: u16, or: u16 }
const diagnosis = { subFunction: u16, data: array(u16) }

/** Which registers of a file. */
const FileRange = struct("FileRange", { reference: constant(u8, 6), file: u16, record: u16, length: u16 })
/** Registers of a file. */
const FileRecord = struct("FileRecord", {
  reference: constant(u8, 6),
  file: u16,
  record: u16,
  length: countOf(u16, "registers"),
  registers: array(u16)
})
const FileData = struct("FileData", { length: lengthOf(u8, ["reference", "registers"]), reference: constant(u8, 6), registers: array(u16) })
const records = prefixed(u8, array(FileRecord))
const DeviceObject = struct("DeviceObject", { id: u8, value: prefixed(u8, utf8()) })

const ExceptionCode = enumeration("ExceptionCode", u8, {
  ...numbered(1, "IllegalFunction", "IllegalDataAddress", "IllegalDataValue", "ServerDeviceFailure", "Acknowledge", "ServerDeviceBusy"),
  ...numbered(8, "MemoryParityError", 10, "GatewayPathUnavailable", "GatewayTargetFailed")
})

export const commands = [
  request("ReadCoils", { examples: recorded("000100000006010100000001"), opcode: 1, fields: range }),
  response("Coils", { examples: recorded("000200000006010103244902"), opcode: 1, fields: { coils: states } }),
  request("ReadDiscreteInputs", { examples: recorded("000300000006010200c40016"), opcode: 2, fields: range }),
  response("DiscreteInputs", { examples: recorded("000300000006010203244912"), opcode: 2, fields: { inputs: states } }),
  request("ReadHoldingRegisters", { examples: recorded("0004000000060103006b0003"), opcode: 3, fields: range }),
  response("HoldingRegisters", { examples: recorded("0004000000090103066b6b6c6c6d6d"), opcode: 3, fields: { registers } }),
  request("ReadInputRegisters", { examples: recorded("000500000006010400080001"), opcode: 4, fields: range }),
  response("InputRegisters", { examples: recorded("000500000005010402f8f7"), opcode: 4, fields: { registers } }),
  request("WriteCoil", { examples: recorded("000600000006010500acff00"), opcode: 5, fields: coil }),
  response("CoilWritten", { examples: recorded("000600000006010500acff00"), opcode: 5, fields: coil }),
  request("WriteRegister", { examples: recorded("00080000000601060001ffff"), opcode: 6, fields: register }),
  response("RegisterWritten", { examples: recorded("00080000000601060001ffff"), opcode: 6, fields: register }),
  request("ReadExceptionStatus", { examples: recorded("0001000000020107"), opcode: 7, fields: {} }),
  response("ExceptionStatus", { examples: recorded("000100000003010700"), opcode: 7, fields: { outputs: u8 } }),
  request("Diagnose", { examples: recorded("000200000006010800001234"), opcode: 8, fields: diagnosis }),
  response("Diagnosis", { examples: recorded("000200000006010800001234"), opcode: 8, fields: diagnosis }),
  request("ReadEventCounter", { examples: recorded("000600000002010b"), opcode: 11, fields: {} }),
  response("EventCounter", { examples: recorded("000600000006010b00000000"), opcode: 11, fields: { status: u16, events: u16 } }),
  request("ReadEventLog", { examples: recorded("000700000002010c"), opcode: 12, fields: {} }),
  response("EventLog", {
    examples: recorded("000a0000000b110c080000010801212000"),
    opcode: 12,
    fields: {
      byteCount: lengthOf(u8, ["status", "eventCount", "messageCount", "events"]),
      status: u16,
      eventCount: u16,
      messageCount: u16,
      events: bytes()
    }
  }),
  request("WriteCoils", { examples: recorded("000900000009010f0013000a026300"), opcode: 15, fields: { ...range, coils: states } }),
  response("CoilsWritten", { examples: recorded("000900000006010f0013000a"), opcode: 15, fields: range }),
  request("WriteRegisters", { examples: recorded("000a0000000b01100001000204000a0102"), opcode: 16, fields: { address: u16, ...written } }),
  response("RegistersWritten", { examples: recorded("000a00000006011000010002"), opcode: 16, fields: range }),
  request("ReportServerId", { examples: recorded("0008000000020111"), opcode: 17, fields: {} }),
  response("ServerId", {
    examples: recorded("00080000001801111547616c6c6572792d47572d332e302e302e726331ff"),
    opcode: 17,
    fields: { data: prefixed(u8, bytes()) }
  }),
  request("ReadFileRecords", {
    examples: recorded("000d0000001111140e0600040001000206000300090002"),
    opcode: 20,
    fields: { records: prefixed(u8, array(FileRange)) }
  }),
  response("FileRecords", {
    examples: recorded("000d0000000f11140c05060dfe0020050633cd0040"),
    opcode: 20,
    fields: { records: prefixed(u8, array(FileData)) }
  }),
  request("WriteFileRecords", { examples: recorded("000e0000001011150d0600040007000306af04be100d"), opcode: 21, fields: { records } }),
  response("FileRecordsWritten", { examples: recorded("000e0000001011150d0600040007000306af04be100d"), opcode: 21, fields: { records } }),
  request("MaskRegister", { examples: recorded("000b000000080116000400f20025"), opcode: 22, fields: mask }),
  response("RegisterMasked", { examples: recorded("000b000000080116000400f20025"), opcode: 22, fields: mask }),
  request("ReadWriteRegisters", { examples: recorded("000c00000011011700030006000e00030600ff00ff00ff"), opcode: 23, fields: both }),
  response("ReadRegisters", { examples: recorded("000c0000000f01170c030300050505060607070808"), opcode: 23, fields: { registers } }),
  request("ReadFifo", { examples: recorded("000b00000004011804de"), opcode: 24, fields: { address: u16 } }),
  response("Fifo", {
    examples: recorded("00110000000a11180006000201b81284"),
    opcode: 24,
    fields: {
      byteCount: lengthOf(u16, ["count", "registers"]),
      count: countOf(u16, "registers"),
      registers: array(u16)
    }
  }),
  request("ReadDeviceId", {
    examples: recorded("000d00000005012b0e0100"),
    opcode: 43,
    fields: { type: constant(u8, 14), code: u8, object: u8 }
  }),
  response("DeviceId", {
    examples: recorded("000d00000020012b0e0183000003000747616c6c657279010247570209332e302e302e726331"),
    opcode: 43,
    fields: {
      type: constant(u8, 14),
      code: u8,
      conformity: u8,
      moreFollows: u8,
      nextObject: u8,
      count: countOf(u8, "objects"),
      objects: array(DeviceObject)
    }
  }),
  /** What went wrong; the function's code has its highest bit set. */
  response("Exception", { examples: recorded("000100000003018102"), fields: { code: ExceptionCode } })
]

/** The Modbus application protocol over TCP. */
export const modbus = protocol(modbusFrame, { name: "modbus", module: "@wirewright/examples/gallery/modbus", commands })
