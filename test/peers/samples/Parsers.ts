/** Parsers of others over samples, and what their names mean in our specs. */
import type { Sample } from "@wirewright/codegen/sample/Sampler"
import { type Json, parseMqtt, parsePostgres, parseResp } from "../gallery/Foreign.ts"
import type { ForeignReading, Names, Shown } from "./Compare.ts"
import type { Drawn, Known } from "./Judge.ts"

/** A parser, and the samples that it is asked about. */
export interface ParserCase extends Drawn {
  readonly title: string
  /** npm's name of it. */
  readonly library: string
  readonly read: (sample: Sample) => ReadonlyArray<Json>
  /** Names that matter, where the parser puts others around them. */
  readonly nameOf?: (path: string) => string
  readonly names: Names
  /** Packets that may say nothing. */
  readonly silent?: RegExp
  readonly known: ReadonlyArray<Known>
}

type Fields = { readonly [key: string]: Json }

/** Values with the names around them, without indices; those that are not there are left out. */
const leaves = (value: Json, name: string, out: Array<Shown>): void => {
  if (value === null) return
  if (typeof value !== "object") out.push({ name, value: String(value) })
  else if (Array.isArray(value)) { for (const one of value as ReadonlyArray<Json>) leaves(one, name, out) }
  else {
    const fields = Object.entries(value as Fields)
    const [key, only] = fields[0] ?? ["", null]
    if (fields.length === 1 && key === "hex") out.push({ name, value: String(only) })
    else if (fields.length === 1 && key === "text") out.push({ name, value: Buffer.from(String(only), "latin1").toString("hex") })
    else if (fields.length === 1 && key === "big") out.push({ name, value: String(only) })
    else for (const [inner, one] of fields) leaves(one, name === "" ? inner : `${name}.${inner}`, out)
  }
}

/** What a parser says, as it is compared. */
export const readingOf = (messages: ReadonlyArray<Json>, nameOf = (path: string): string => path): ForeignReading => {
  const shown: Array<Shown> = []
  const refused: Array<string> = []
  for (const message of messages) {
    const failed = typeof message === "object" && message !== null ? (message as Fields)["failed"] : undefined
    if (failed === undefined) leaves(message, "", shown)
    else refused.push(String(failed))
  }
  return { shown: shown.map((one) => ({ ...one, name: nameOf(one.name) })), refused: messages.length === 0 ? ["nothing"] : refused }
}

const said = (pattern: RegExp) => (_: Sample, { refused }: ForeignReading): boolean => refused.some((one) => pattern.test(one))

/** `t` and `f` for what they mean. */
const spelledBooleans = (value: Json): Json =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => one === true ? 0x74 : one === false ? 0x66 : one)) as Json

/** Where the parser is to be asked. */
export const cases: ReadonlyArray<ParserCase> = [
  {
    title: "MQTT",
    library: "mqtt-packet",
    states: [{ version: 5 }, { version: 4 }],
    draws: 2_600,
    // a user property's key is a name there
    nameOf: (path) => path.replace(/^(properties\.userProperties)\..*/s, "$1"),
    // a reason that is left out is 0
    read: ({ annotation, bytes, states }) =>
      parseMqtt(bytes, states.get("version")!).map((message) =>
        annotation.fields.some(({ path }) => /^(?:code|reasonCode)$/.test(path)) ? message : { ...message as Fields, reasonCode: null }
      ),
    names: {
      "cmd": "",
      "length": "remainingLength",
      "retain": "retain",
      "qos": "qos",
      "dup": "dup",
      "topic": "topicName",
      "payload": "payload",
      "sessionPresent": "sessionPresent",
      "reasonCode": "code reasonCode",
      "returnCode": "code",
      "messageId": "packetIdentifier",
      "granted": "codes",
      "unsubscriptions": "topicFilters",
      "subscriptions.topic": "subscriptions.topicFilter",
      "subscriptions.qos": "subscriptions.qos",
      "subscriptions.nl": "subscriptions.noLocal",
      "subscriptions.rap": "subscriptions.retainAsPublished",
      "subscriptions.rh": "subscriptions.retainHandling",
      "properties.sharedSubscriptionAvailable": "properties.available",
      "properties.wildcardSubscriptionAvailable": "properties.available",
      "properties.subscriptionIdentifiersAvailable": "properties.available",
      "properties.retainAvailable": "properties.available",
      "properties.sessionExpiryInterval": "properties.seconds",
      "properties.messageExpiryInterval": "properties.seconds",
      "properties.willDelayInterval": "properties.seconds",
      "properties.serverKeepAlive": "properties.seconds",
      "properties.receiveMaximum": "properties.packets",
      "properties.maximumPacketSize": "properties.bytes",
      "properties.maximumQoS": "properties.qos",
      "properties.topicAlias": "properties.alias",
      "properties.topicAliasMaximum": "properties.aliases",
      "properties.subscriptionIdentifier": "properties.identifier",
      "properties.requestProblemInformation": "properties.requested",
      "properties.requestResponseInformation": "properties.requested",
      "properties.payloadFormatIndicator": "properties.isText",
      "properties.serverReference": "properties.server",
      "properties.responseTopic": "properties.topic",
      "properties.responseInformation": "properties.information",
      "properties.authenticationData": "properties.data",
      "properties.authenticationMethod": "properties.method",
      "properties.correlationData": "properties.data",
      "properties.assignedClientIdentifier": "properties.clientIdentifier",
      "properties.contentType": "properties.contentType",
      "properties.reasonString": "properties.reason",
      "properties.userProperties": "properties.value"
    },
    known: [
      { reason: "packets that MQTT does not know: we keep them as they are", is: said(/^Not supported/) },
      { reason: "names of protocols that MQTT does not have", is: said(/^Invalid protocolId/) },
      {
        reason: "reasons of version 5 that MQTT does not assign, or has for other packets: we keep them as they are",
        is: said(/^Invalid (?:\w+ reason|(?:un)?suback) code/)
      },
      {
        reason: "a property twice, of which mqtt-packet keeps one or a list",
        is: ({ annotation }) => {
          const tags = annotation.fields.filter(({ path }) => path.endsWith(".tag")).map(({ value }) => value)
          return new Set(tags).size < tags.length
        }
      }
    ]
  },
  {
    title: "PostgreSQL",
    library: "pg-protocol",
    kinds: ["backend"],
    draws: 1_600,
    read: ({ bytes }) => parsePostgres(bytes),
    names: {
      "name": "",
      "length": "length",
      "processId": "processId",
      "processID": "processId",
      "channel": "channel",
      "payload": "payload",
      "text": "tag",
      "fieldCount": "columns.count",
      "fields": "@columns",
      "binary": "format",
      "columnTypes": "columnFormats",
      "salt": "salt",
      "data": "",
      "parameterName": "parameter",
      "parameterValue": "value",
      "status": "",
      "chunk": "data",
      "parameterCount": "parameterTypes.count",
      "dataTypeIDs": "parameterTypes",
      "secretKey": "",
      "mechanisms": "mechanisms",
      "fields.name": "columns.name",
      "fields.tableID": "columns.tableOid",
      "fields.columnID": "columns.attribute",
      "fields.dataTypeID": "columns.typeOid",
      "fields.dataTypeSize": "columns.typeSize",
      "fields.dataTypeModifier": "columns.typeModifier",
      "fields.format": "",
      "message": "fields.text",
      "severity": "fields.text",
      "detail": "fields.text",
      "hint": "fields.text",
      "where": "fields.text",
      "code": "fields.code",
      "position": "fields.position",
      "internalPosition": "fields.position",
      "line": "fields.line",
      "internalQuery": "fields.query",
      "schema": "fields.name",
      "table": "fields.name",
      "column": "fields.name",
      "dataType": "fields.name",
      "constraint": "fields.name",
      "file": "fields.name",
      "routine": "fields.name",
      "error": ""
    },
    known: [
      { reason: "numbers that no document assigns: we keep them as they are", is: ({ tag }) => tag.startsWith("Unknown") },
      { reason: "ways of authentication that pg does not know", is: said(/Unknown authenticationOk/) },
      { reason: "secret keys that are not of four bytes, as PostgreSQL 18 has them", is: said(/out of range/) },
      {
        reason: "answers to function calls and new versions, which pg never asks for",
        is: ({ tag }) => tag === "FunctionCallResponse" || tag === "NegotiateProtocolVersion"
      }
    ]
  },
  {
    title: "RESP2 and RESP3",
    library: "@redis/client",
    kinds: ["reply"],
    draws: 2_400,
    read: ({ bytes }) => parseResp(bytes).map(spelledBooleans),
    nameOf: (path) => path.split(".").at(-1)!,
    names: { "": "*", "set": "*", "map": "*", "push": "*", "double": "", "error": "message", "verbatim": "text", "format": "format" },
    silent: /./,
    known: [
      {
        reason: "integers beyond 2^53, which this client rounds",
        is: ({ annotation }) => annotation.fields.some(({ value }) => typeof value === "bigint" && !Number.isSafeInteger(Number(value)))
      },
      {
        reason: "doubles and large integers that are no numbers, which our spec keeps as text",
        is: ({ annotation: { fields } }) =>
          fields.some(({ path, value }, i) =>
            path.endsWith("tag") && (value === 0x2c || value === 0x28) && !/^[-+]?\d+(?:\.\d+)?$/.test(String(fields[i + 1]?.value))
          )
      },
      { reason: "attributes, which this client does not know", is: said(/Unknown RESP type/) }
    ]
  }
]
