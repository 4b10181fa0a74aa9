/** Rules for what a protocol is called and imported as: names become files and directories, and modules become import specifiers. */
import type { Protocol, TypesOnly } from "@wirewright/dsl"
import type { Complaint } from "../Finding.ts"
import { isFileName } from "../Names.ts"

/** Findings about the names of a protocol. */
export function* checkProtocolNames(value: Protocol | TypesOnly): Iterable<Complaint> {
  if (!isFileName(value.name)) {
    yield {
      rule: "WW100",
      value,
      path: ["name"],
      message: `${JSON.stringify(value.name)} cannot be the name of a protocol: files are named after it`,
      hint: "use letters, digits, - and _, beginning with a letter, and no name of a device such as con"
    }
  }
  if (!/^[^\s"'`\\]+$/.test(value.module)) {
    yield {
      rule: "WW113",
      value,
      path: ["module"],
      message: `code cannot be imported from ${JSON.stringify(value.module)}`,
      hint: "give what an import of the generated directory says, such as @acme/protocol/gen"
    }
  }
}
