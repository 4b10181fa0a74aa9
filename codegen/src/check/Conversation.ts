/** Rules for what commands say of their answers, where no header field tells which request an answer is to. */
import type { CommandModel } from "@wirewright/codec/Model"
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
    yield* checkLast(model, answers, complain)
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

function* checkLast(model: CommandModel, answers: ReadonlyArray<string>, complain: ReturnType<typeof complaintsOf>): Iterable<Complaint> {
  const { last, name, reply } = model
  if (last !== undefined && !Array.isArray(last)) {
    yield complain("WW169", ["last"], `the end of ${name}'s answers is said by a field`, "name packets: last: [\"…\"]")
    return
  }
  for (const one of (last ?? []) as ReadonlyArray<string>) {
    if (!answers.includes(one)) {
      yield complain("WW169", ["last"], `${one} ends the answers to ${name} and is none of them`, `name one of: ${answers.join(", ")}`)
    }
  }
  if (reply === "many" && last === undefined) {
    yield complain("WW169", ["reply"], `nothing says which of the answers to ${name} is the last`, "name it: last: [\"…\"]")
  } else if (reply === "one" && last !== undefined || reply === "none" || reply === "error") {
    yield complain("WW169", ["reply"], `${name} has answers, and is said to have ${reply}`, "say `one`, `many` with `last`, or `optional`")
  }
}

const kindSender = ({ model }: Context, name: string): string | undefined => model.frame.kinds.find((one) => one.name === name)?.sender
