/** Asks tshark for fields of a capture, a line for each frame that a filter shows. */
import { spawnSync } from "node:child_process"
import type { SharkOptions } from "./Pdml.ts"

/** What tshark says: the values of each frame, and all it complains about. */
export interface Answer {
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly stderr: string
}

/** Runs tshark; several values of a field in a frame have commas between them. */
export const ask = (
  { file, more = [], script }: Omit<SharkOptions, "proto">,
  fields: ReadonlyArray<string>,
  filter = ""
): Answer => {
  const args = [
    "-n",
    "-2",
    "-r",
    file,
    ...script === undefined ? [] : ["-X", `lua_script:${script}`],
    ...filter === "" ? [] : ["-Y", filter],
    "-T",
    "fields",
    ...fields.flatMap((field) => ["-e", field]),
    "-o",
    "tcp.check_checksum:FALSE",
    ...more
  ]
  const { signal, status, stderr, stdout } = spawnSync("tshark", args, { encoding: "utf8", maxBuffer: 1024 ** 3, timeout: 280_000 })
  if (status !== 0) throw new Error(`tshark ended with ${status ?? signal}: ${stderr.slice(0, 2000)}`)
  return { rows: stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t")), stderr }
}
