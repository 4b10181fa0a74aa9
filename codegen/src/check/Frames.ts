/** Rules for what frames say beside their headers: phases, trailers, statuses, and headers that are read field by field. */
import type { Frame } from "@wirewright/dsl"
import type { TypeModel } from "@wirewright/codec/Model"
import { fixedSize } from "@wirewright/codec/words/Sizes"
import type { Built } from "../Build.ts"
import { type Complaint, complaintsOf } from "../Finding.ts"
import { Context } from "../print/Context.ts"
import { fieldOf } from "../print/HeaderFields.ts"
import { orderedOf, rolesOf } from "../print/Roles.ts"
import { lengthRole } from "../print/RunFrame.ts"
import { checkNames, flattened, slicesOf } from "./Fields.ts"
import type { Place } from "./Place.ts"
import { checkSiblings, checkSums, checkWord } from "./Words.ts"

/** What stands in a trailer without a value of its own. */
const isDerivedAtEnd = (type: TypeModel): boolean =>
  type.kind === "literal" || type.kind === "constant" || type.kind === "checksum" || type.kind === "reserved" && type.policy !== "keep"

/** Why a frame whose kinds answer one another has neither client nor server; nothing where it has, or commands name what answers them. */
const whyNoClient = (context: Context): string | undefined => {
  const { kinds } = context.model.frame
  const answer = kinds.find(({ answers, sender }) => answers !== undefined && sender !== "client")
  const request = kinds.find(({ name }) => name === answer?.answers)
  if (answer === undefined || request === undefined || rolesOf(context) !== undefined || orderedOf(context) !== undefined) return undefined
  const run = [request, answer].find(({ headers }) => headers.length === 0)
  if (run !== undefined) return `the header of ${run.name} is read field by field`
  return fieldOf(request.headers[0]!, "opcode") === undefined
    ? `no header field of ${request.name} says which command it is`
    : `no header field of ${answer.name} says whether the command succeeded`
}

/** Findings about a frame's kinds and phases. */
export function* checkKinds(built: Built, value: Frame): Iterable<Complaint> {
  const complain = complaintsOf(value)
  const context = new Context(built.model, ".ts")
  const kinds = Object.keys(value.kinds)
  const { correlation } = value
  const lacking = correlation === undefined ? undefined : kinds.find((name) => {
    const { answers, headers } = value.kinds[name]!
    const isPart = answers !== undefined || Object.values(value.kinds).some((one) => one.answers === name)
    return isPart && headers.some(({ fields }) => fields[correlation] === undefined)
  })
  if (lacking !== undefined) {
    yield complain(
      "WW166",
      ["correlation"],
      `answers are told by ${correlation}, which a header of ${lacking} does not have`,
      "name a field that the headers of requests and answers have"
    )
  }
  const silent = correlation === undefined || lacking !== undefined ? undefined : whyNoClient(context)
  if (silent !== undefined) {
    yield complain(
      "WW159",
      ["correlation"],
      `answers are told by ${correlation}, but no client or server comes of it: ${silent}`,
      "name the packets that answer a command with `answeredBy`, or leave `correlation` out"
    )
  }
  for (const [when, status] of Object.entries(value.refusals ?? {})) {
    if (value.statuses?.rows[status as string] === undefined) {
      yield complain(
        "WW167",
        ["refusals", when],
        `servers refuse with ${status}, which is no status of the frame`,
        `name one of: ${Object.keys(value.statuses?.rows ?? {}).join(", ")}`
      )
    }
  }
  for (const [phase, sides] of Object.entries(value.phases ?? {})) {
    for (const [side, kind] of Object.entries(sides)) {
      if (!kinds.includes(kind as string)) {
        yield complain(
          "WW118",
          ["phases", phase, side],
          `phase ${phase} names the kind ${kind}, which is not there`,
          `name one of: ${kinds.join(", ")}`
        )
      }
    }
  }
  for (const model of built.model.frame.kinds) {
    const kind = value.kinds[model.name]
    const path = ["kinds", model.name]
    if (kind === undefined) continue
    if (kind.answers !== undefined && !kinds.includes(kind.answers)) {
      yield complain(
        "WW118",
        [...path, "answers"],
        `${model.name} answers ${kind.answers}, which is no kind`,
        `name one of: ${kinds.join(", ")}`
      )
    }
    if (kind.opcodeFrom !== undefined && value.states[kind.opcodeFrom] === undefined) {
      yield complain(
        "WW119",
        [...path, "opcodeFrom"],
        `the frame declares no connection state ${kind.opcodeFrom}`,
        "declare it in the frame's states"
      )
    }
    for (const [index, header] of kind.headers.entries()) {
      for (const [name, field] of Object.entries(header.fields)) {
        const here = [...path, "headers", String(index), "fields", name]
        if (field.kind === "statusCode" && !["u8", "u16", "u24", "u32"].includes(field.of.int)) {
          yield complain("WW162", here, `a ${field.of.int} cannot be a status`, "use u8, u16, u24 or u32")
        } else if (field.kind === "statusCode" && value.statuses !== undefined && value.statuses.of.int !== field.of.int) {
          yield complain(
            "WW162",
            here,
            `the status is a ${field.of.int} here and a ${value.statuses.of.int} in its table`,
            "give both the same integer"
          )
        }
        if (model.run !== undefined && field.kind === "sectionLength") {
          yield complain(
            "WW163",
            here,
            "a header that is read field by field has no lengths of sections",
            "measure fields of the body with lengthOf"
          )
        }
      }
    }
    if (model.run === undefined) continue
    if (kind.headers.length > 1) {
      yield complain(
        "WW163",
        [...path, "headers"],
        `${model.name} has several headers, one of which is read field by field`,
        "describe each as a kind of its own"
      )
    }
    const place: Place = { context, value, path: [...path, "headers", "0", "fields"], states: Object.keys(value.states) }
    const fields = flattened(model.run.fields)
    yield* checkNames(place, fields, new Map())
    // a checksum of the header or the trailer may cover both, and the body between them
    const covered = [...model.run.fields, { name: value.sections[0] ?? "body" }, ...model.run.trailer].map(({ name }) => name)
    yield* checkSiblings(place, fields, slicesOf(model.run.fields), [], covered)
    for (const { name, type } of model.run.fields) yield* checkWord(place, name, type)
    const length = lengthRole(context, model.run)
    if (length !== undefined && !length.isFixed && (length.from === "frame" || length.from === "length")) {
      yield complain(
        "WW165",
        [...path, "headers", "0", "fields", length.name],
        `${length.name} counts its own bytes, whose number depends on what it says`,
        "count from the body or from after the field, or use an integer of fixed size"
      )
    }
    const all = [
      ...fields.map(([below, field]) => [["headers", "0", "fields", ...below], field] as const),
      ...model.run.trailer.map((field) => [["trailer", field.name], field] as const)
    ]
    yield* checkSums({ ...place, path }, all, covered)
    if (model.run.trailer.length > 0 && model.run.end === "until") {
      yield complain(
        "WW164",
        [...path, "trailer"],
        `${model.name} has a trailer, and ends \`until\``,
        "make the trailer fields of the packets, or say how long a packet is with bodyLength"
      )
      continue
    }
    for (const { name, type } of model.run.trailer) {
      if (fixedSize(context, type) === undefined) {
        yield complain(
          "WW164",
          [...path, "trailer", name],
          `${name} has no fixed size, so where the body ends cannot be told`,
          "keep trailers fixed, or make it a field of the packets"
        )
      } else if (!isDerivedAtEnd(type)) {
        yield complain(
          "WW164",
          [...path, "trailer", name],
          `${name} would be lost: nothing of a trailer is handed out`,
          "keep literals, constants, checksums and reserved(…, \"error\") there, and make it a field of the packets"
        )
      }
      yield* checkWord({ ...place, path: [...path, "trailer"] }, name, type)
    }
  }
}
