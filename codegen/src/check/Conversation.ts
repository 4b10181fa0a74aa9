/** Rules for what commands say of their answers, where no header field tells which request an answer is to. */
import type { CommandModel, FieldModel, NumberModel, TypeModel } from "@wirewright/codec/Model"
import { isBigNumber } from "@wirewright/codec/words/Numbers"
import { unwrapped } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import { allCommands, type Built } from "../Build.ts"
import { type Complaint, complaintsOf } from "../Finding.ts"
import { Context } from "../print/Context.ts"
import { correlationField, everyCommand, rolesOf } from "../print/Roles.ts"

/** Findings about answers, their ends and their numbers. */
export function* checkConversation(built: Built): Iterable<Complaint> {
  const context = new Context(built.model, ".ts")
  const commands = everyCommand(context)
  const sent = commands.filter(({ kinds, sender }) => sender !== "client" || kindSender(context, kinds.request) === "server")
  for (const [model, value] of built.commands) {
    const { answeredBy: answers } = model
    const complain = complaintsOf(value)
    if (answers === undefined) {
      if (Array.isArray(model.last) || model.reply === "optional") {
        const option = model.reply === "optional" ? "reply" : "last"
        yield complain("WW168", [option], `${model.name} names no packets that answer it`, "name them: answeredBy: [\"…\"]")
      }
      continue
    }
    if (rolesOf(context) !== undefined) {
      const { correlation } = built.model.frame
      yield complain(
        "WW168",
        ["answeredBy"],
        `the header says by ${correlation} what ${model.name} is answered with`,
        "leave `answeredBy` out"
      )
      continue
    }
    for (const name of answers) {
      if (sent.some((one) => one.name === name)) continue
      const there = commands.some((one) => one.name === name)
      yield complain(
        "WW168",
        ["answeredBy"],
        there ? `${name} is not sent by servers, so it answers nothing` : `${name}, which answers ${model.name}, is not there`,
        there
          ? `say of ${name} that its \`sender\` is "server" or "both"`
          : `servers send ${sent.map((one) => one.name).join(", ") || "nothing"}`
      )
    }
    yield* checkLast(context, model, answers.flatMap((name) => sent.find((one) => one.name === name) ?? []), complain)
  }
  const { correlation } = built.model.frame
  const isAnswered = commands.some(({ answeredBy }) => answeredBy !== undefined)
  if (correlation !== undefined && isAnswered && !commands.some((one) => correlationField(context, one, correlation) !== undefined)) {
    yield {
      rule: "WW166",
      value: allCommands(built.protocol as never)[0]!,
      path: [],
      message: `answers are told by ${correlation}, which no packet has as an integer of at most 32 bits`,
      hint: "name a number that requests and their answers have, in their headers or after them"
    }
  }
}

/** Kinds of types that are numbers, and that are text, in packets. */
const kindsOf: { readonly [type: string]: ReadonlyArray<TypeModel["kind"]> } = {
  number: ["int", "slice", "enumeration", "flags", "varint", "decimal", "bcd", "escaped"],
  string: ["utf8", "text", "json"]
}

/** Fields that all packets of a command have, in the header or after it. */
const fieldsOfAll = ({ model }: Context, { kinds, request }: CommandModel): ReadonlyArray<FieldModel> => {
  const kind = model.frame.kinds.find(({ name }) => name === kinds.request)
  const header = kind?.run?.fields ??
    kind?.headers[0]?.fields.flatMap((field) => field.role === "field" ? [{ name: field.name, type: field.type }] : []) ?? []
  const layouts = request.map(({ sections }) => flatFields(sections.flatMap(({ fields }) => fields)))
  const [first = [], ...others] = layouts
  return [...flatFields(header), ...first.filter(({ name }) => others.every((one) => one.some((field) => field.name === name)))]
}

function* checkLast(
  context: Context,
  model: CommandModel,
  answers: ReadonlyArray<CommandModel>,
  complain: ReturnType<typeof complaintsOf>
): Iterable<Complaint> {
  const { last, name, reply } = model
  if (Array.isArray(last)) {
    for (const one of last as ReadonlyArray<string>) {
      if (answers.some((answer) => answer.name === one)) continue
      const known = answers.map((answer) => answer.name).join(", ")
      yield complain("WW169", ["last"], `${one} ends the answers to ${name} and is none of them`, `name one of: ${known}`)
    }
  } else {
    // every answer has to say whether it is the last
    for (const [field, value] of Object.entries(last ?? {})) {
      const without = answers.find((answer) => {
        const type = fieldsOfAll(context, answer).find((one) => one.name === field)?.type
        const of = type === undefined ? undefined : unwrapped(type)
        return of === undefined || !kindsOf[typeof value]!.includes(of.kind) || isBigNumber(of as NumberModel)
      })
      if (without === undefined) continue
      yield complain(
        "WW169",
        ["last"],
        `the end of ${name}'s answers is said by ${field}, which is no ${typeof value === "number" ? "number" : "text"} of ${without.name}`,
        "name a field of all answers, or packets: last: [\"…\"]"
      )
    }
  }
  if (reply === "many" && last === undefined) {
    yield complain("WW169", ["reply"], `nothing says which of the answers to ${name} is the last`, "name it: last: [\"…\"]")
  } else if (reply === "one" && last !== undefined || reply === "none" || reply === "error") {
    yield complain("WW169", ["reply"], `${name} has answers, and is said to have ${reply}`, "say `one`, `many` with `last`, or `optional`")
  }
}

const kindSender = ({ model }: Context, name: string): string | undefined => model.frame.kinds.find((one) => one.name === name)?.sender
