/** Data goes to stdout, everything else to stderr. A reader that goes away (`| head`) ends the command quietly. */

/** Bytes collected before they are written. */
const batchSize = 64 * 1024

let batch = ""

/** Ends quietly when the reader of stdout is gone. */
export const endWithReader = (): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    throw error
  })
}

/** Puts out a line of data. */
export const line = (text: string): void => {
  batch += `${text}\n`
}

/** Writes what is collected, once there is enough of it, and waits while stdout is congested. */
export const drain = async (): Promise<void> => {
  if (batch.length >= batchSize) await flush()
}

/** Writes everything. */
export const flush = async (): Promise<void> => {
  if (batch === "") return
  const text = batch
  batch = ""
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()))
}

let statusShown = false

/** Shows how it goes, on one line of the terminal behind stderr, instead of what was shown there before. */
export const showStatus = (text: string): void => {
  statusShown = true
  process.stderr.write(`\r\u001b[K${text}`)
}

/** Says something to the person, on stderr. */
export const say = (text: string): void => {
  process.stderr.write(`${statusShown ? "\r\u001b[K" : ""}${text}\n`)
  statusShown = false
}

/** Whether `stream` shows colours: a terminal, unless `NO_COLOR` or `TERM=dumb` say otherwise; `FORCE_COLOR` forces them. */
export const colorsOn = (stream: NodeJS.WriteStream): boolean => {
  const { FORCE_COLOR: force = "", NO_COLOR: no = "", TERM: term } = process.env
  if (term === "dumb" || no !== "") return false
  return force !== "" && force !== "0" && force !== "false" || stream.isTTY === true
}
