/** Modbus/TCP (MODBUS Application Protocol V1.1b3, MODBUS Messaging on TCP/IP V1.0b). */
import {
  array,
  bodyLength,
  bytes,
  constant,
  countOf,
  enumeration,
  frame,
  lengthOf,
  opcode,
  packetsOf,
  prefixed,
  protocol,
  struct,
  u16,
  u8,
  utf8
} from "@wirewright/dsl"

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
const request = packetsOf(modbusFrame, "request")
const response = packetsOf(modbusFrame, "response")

/** A range of coils, inputs or registers; addresses count from 0. */
const range = { address: u16, quantity: u16 } as const
/** A bit for each coil or input, the first in the lowest bit of the first byte. */
const states = prefixed(u8, bytes())
/** 16-bit values. */
const registers = prefixed(u8, array(u16))
const on = enumeration("Coil", u16, { Off: 0, On: 0xff00 }, { unknown: "error" })

/** Registers of a file. */
const FileRecord = struct("FileRecord", {
  reference: constant(u8, 6),
  file: u16,
  record: u16,
  length: countOf(u16, "registers"),
  registers: array(u16)
})

export const commands = [
  request("ReadCoils", { opcode: 1, fields: range }),
  response("Coils", { opcode: 1, fields: { coils: states } }),
  request("ReadDiscreteInputs", { opcode: 2, fields: range }),
  response("DiscreteInputs", { opcode: 2, fields: { inputs: states } }),
  request("ReadHoldingRegisters", { opcode: 3, fields: range }),
  response("HoldingRegisters", { opcode: 3, fields: { registers } }),
  request("ReadInputRegisters", { opcode: 4, fields: range }),
  response("InputRegisters", { opcode: 4, fields: { registers } }),
  request("WriteCoil", { opcode: 5, fields: { address: u16, value: on } }),
  response("CoilWritten", { opcode: 5, fields: { address: u16, value: on } }),
  request("WriteRegister", { opcode: 6, fields: { address: u16, value: u16 } }),
  response("RegisterWritten", { opcode: 6, fields: { address: u16, value: u16 } }),
  request("ReadExceptionStatus", { opcode: 7, fields: {} }),
  response("ExceptionStatus", { opcode: 7, fields: { outputs: u8 } }),
  request("Diagnose", { opcode: 8, fields: { subFunction: u16, data: array(u16) } }),
  response("Diagnosis", { opcode: 8, fields: { subFunction: u16, data: array(u16) } }),
  request("ReadEventCounter", { opcode: 11, fields: {} }),
  response("EventCounter", { opcode: 11, fields: { status: u16, events: u16 } }),
  request("ReadEventLog", { opcode: 12, fields: {} }),
  response("EventLog", {
    opcode: 12,
    fields: { byteCount: lengthOf(u8, ["status", "eventCount", "messageCount", "events"]), status: u16, eventCount: u16, messageCount: u16, events: bytes() }
  }),
  request("WriteCoils", { opcode: 15, fields: { ...range, coils: states } }),
  response("CoilsWritten", { opcode: 15, fields: range }),
  // how many registers there are is said twice: in registers and in bytes
  request("WriteRegisters", {
    opcode: 16,
    fields: { address: u16, quantity: countOf(u16, "registers"), byteCount: lengthOf(u8, "registers"), registers: array(u16) }
  }),
  response("RegistersWritten", { opcode: 16, fields: range }),
  request("ReportServerId", { opcode: 17, fields: {} }),
  response("ServerId", { opcode: 17, fields: { data: prefixed(u8, bytes()) } }),
  request("ReadFileRecords", {
    opcode: 20,
    fields: { records: prefixed(u8, array(struct("FileRange", { reference: constant(u8, 6), file: u16, record: u16, length: u16 }))) }
  }),
  response("FileRecords", {
    opcode: 20,
    fields: {
      records: prefixed(
        u8,
        array(struct("FileData", { length: lengthOf(u8, ["reference", "registers"]), reference: constant(u8, 6), registers: array(u16) }))
      )
    }
  }),
  request("WriteFileRecords", { opcode: 21, fields: { records: prefixed(u8, array(FileRecord)) } }),
  response("FileRecordsWritten", { opcode: 21, fields: { records: prefixed(u8, array(FileRecord)) } }),
  request("MaskRegister", { opcode: 22, fields: { address: u16, and: u16, or: u16 } }),
  response("RegisterMasked", { opcode: 22, fields: { address: u16, and: u16, or: u16 } }),
  request("ReadWriteRegisters", {
    opcode: 23,
    fields: {
      readAddress: u16,
      readQuantity: u16,
      writeAddress: u16,
      quantity: countOf(u16, "registers"),
      byteCount: lengthOf(u8, "registers"),
      registers: array(u16)
    }
  }),
  response("ReadRegisters", { opcode: 23, fields: { registers } }),
  request("ReadFifo", { opcode: 24, fields: { address: u16 } }),
  response("Fifo", {
    opcode: 24,
    fields: { byteCount: lengthOf(u16, ["count", "registers"]), count: countOf(u16, "registers"), registers: array(u16) }
  }),
  request("ReadDeviceId", { opcode: 43, fields: { type: constant(u8, 14), code: u8, object: u8 } }),
  response("DeviceId", {
    opcode: 43,
    fields: {
      type: constant(u8, 14),
      code: u8,
      conformity: u8,
      moreFollows: u8,
      nextObject: u8,
      count: countOf(u8, "objects"),
      objects: array(struct("DeviceObject", { id: u8, value: prefixed(u8, utf8()) }))
    }
  }),
  /** What went wrong; the function's code has its highest bit set. */
  response("Exception", {
    fields: {
      code: enumeration("ExceptionCode", u8, {
        IllegalFunction: 1,
        IllegalDataAddress: 2,
        IllegalDataValue: 3,
        ServerDeviceFailure: 4,
        Acknowledge: 5,
        ServerDeviceBusy: 6,
        MemoryParityError: 8,
        GatewayPathUnavailable: 10,
        GatewayTargetFailed: 11
      })
    }
  })
]

/** The Modbus application protocol over TCP. */
export const modbus = protocol(modbusFrame, { name: "modbus", module: "@wirewright/examples/gallery/modbus", commands })
