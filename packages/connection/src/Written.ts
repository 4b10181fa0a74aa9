/** Requests whose packet their caller writes, with one answer or many. The connection's plain way in; dialects have their own `Call`s. */
import type { EncodeError } from "@wirewright/codec"
import * as Exit from "effect/Exit"
import type { ConnectionError } from "./Errors.ts"
import { type Call, Exchange, type Resume } from "./Exchange.ts"
import type { WritePacket } from "./Relay.ts"

/** A packet that its caller writes. */
export class Written<Response, A> extends Exchange<Response, A, ConnectionError | EncodeError> {
  readonly packet: WritePacket
  readonly ends: ((answer: Response) => boolean) | undefined
  readonly answers: Array<Response> = []

  constructor(
    call: Call<Written<Response, A>, Response, A, ConnectionError | EncodeError>,
    resume: Resume<A, ConnectionError | EncodeError>,
    packet: WritePacket,
    ends?: (answer: Response) => boolean
  ) {
    super(call, resume)
    this.packet = packet
    this.ends = ends
  }
}

/** The one answer is the outcome. */
export const single = <Response>(
  writes: boolean
): Call<Written<Response, Response>, Response, Response, ConnectionError | EncodeError> => ({
  writes,
  encode: (writer, { opaque, packet }) => packet(writer, opaque),
  interpret: (answer) => Exit.succeed(answer),
  failed: (error) => Exit.fail(error)
})

/** Answers up to the last. */
export type Many<Response> = ReadonlyArray<Response>

/** The answers before the last are the outcome. */
export const many = <Response>(
  writes: boolean
): Call<Written<Response, Many<Response>>, Response, Many<Response>, ConnectionError | EncodeError> => ({
  writes,
  encode: (writer, { opaque, packet }) => packet(writer, opaque),
  interpret: (answer, { answers, ends }) => {
    if (ends!(answer)) return Exit.succeed(answers)
    answers.push(answer)
    return undefined
  },
  failed: (error) => Exit.fail(error)
})
