/** protobuf-es with the same content in its own format: a message with a oneof, its descriptor built here with the library's own API. */
import type { Message } from "../Messages.ts"
import { load } from "./External.ts"

export interface Packet {
  readonly body: {
    readonly case: "mutation" | "deletion" | "marker"
    readonly value: { readonly bySeqno: bigint; readonly endSeqno: bigint; readonly key: string; readonly value: Uint8Array }
  }
}

type Create = (schema: unknown, init: unknown) => Packet

interface Library {
  readonly create: Create
  readonly toBinary: (schema: unknown, message: unknown) => Uint8Array
  readonly fromBinary: (schema: unknown, bytes: Uint8Array) => Packet
  readonly createFileRegistry: (file: unknown, resolve: () => undefined) => { getMessage(name: string): unknown }
}

interface Descriptors {
  readonly FileDescriptorProtoSchema: unknown
  readonly FieldDescriptorProto_Type: Readonly<Record<"UINT32" | "FIXED32" | "FIXED64" | "UINT64" | "STRING" | "BYTES" | "MESSAGE", number>>
}

const loadSchema = async () => {
  const library = await load<Library>("@bufbuild/protobuf")
  const { FileDescriptorProtoSchema, FieldDescriptorProto_Type: type } = await load<Descriptors>("@bufbuild/protobuf/wkt")
  const fields = (types: ReadonlyArray<readonly [string, number]>) =>
    types.map(([name, kind], index) => ({ name, jsonName: name, number: index + 1, label: 1, type: kind }))
  const changes: ReadonlyArray<readonly [string, number]> = [["by_seqno", type.UINT64], ["rev_seqno", type.UINT64], ["key", type.STRING], [
    "value",
    type.BYTES
  ]]
  const inner = (name: string, number: number) => ({
    name: name.toLowerCase(),
    jsonName: name.toLowerCase(),
    number,
    label: 1,
    type: type.MESSAGE,
    typeName: `.bench.${name}`,
    oneofIndex: 0
  })
  const file = library.create(FileDescriptorProtoSchema, {
    name: "bench.proto",
    package: "bench",
    syntax: "proto3",
    messageType: [
      {
        name: "Mutation",
        field: fields([
          ...changes,
          ["flags", type.FIXED32],
          ["expiration", type.UINT32],
          ["lock_time", type.UINT32],
          ["nmeta", type.UINT32],
          ["nru", type.UINT32]
        ])
      },
      { name: "Deletion", field: fields([...changes, ["nmeta", type.UINT32], ["delete_time", type.UINT32]]) },
      { name: "Marker", field: fields([["start_seqno", type.UINT64], ["end_seqno", type.UINT64], ["flags", type.UINT32]]) },
      {
        name: "Packet",
        field: [
          ...fields([["datatype", type.UINT32], ["vbucket", type.UINT32], ["opaque", type.FIXED32], ["cas", type.FIXED64]]),
          inner("Mutation", 5),
          inner("Deletion", 6),
          inner("Marker", 7)
        ],
        oneofDecl: [{ name: "body" }]
      }
    ]
  })
  const registry = library.createFileRegistry(file, () => undefined)
  const schemas = ["Packet", "Mutation", "Deletion", "Marker"].map((name) => registry.getMessage(`bench.${name}`))
  return { ...library, packet: schemas[0], mutation: schemas[1], deletion: schemas[2], marker: schemas[3] }
}

/** Returns what writes a message. */
export const makeEncode = async (): Promise<(message: Message) => Uint8Array> => {
  const { create, toBinary, packet, mutation, deletion, marker } = await loadSchema()
  return (message) => {
    const { datatype, vbucket, opaque, cas } = message
    const body = message._tag === "DcpMutation"
      ? { case: "mutation", value: create(mutation, message) }
      : message._tag === "DcpDeletion"
      ? { case: "deletion", value: create(deletion, message) }
      : { case: "marker", value: create(marker, message) }
    return toBinary(packet, create(packet, { datatype, vbucket, opaque, cas, body }))
  }
}

/** Returns what parses a message. */
export const makeDecode = async (): Promise<(bytes: Uint8Array) => Packet> => {
  const { fromBinary, packet } = await loadSchema()
  return (bytes) => fromBinary(packet, bytes)
}
