/** What the handlers of the embedded node's commands look like. Types only. */
import type { Request } from "@wirewright/dcp/gen"
import type { NodeConnection } from "./NodeConnection.ts"

/** A request by its name. */
export type RequestOf<Tag extends Request["_tag"]> = Extract<Request, { readonly _tag: Tag }>

/** Commands that are handled; the others are not supported. */
export type Handlers = {
  readonly [Tag in Request["_tag"]]?: (connection: NodeConnection, packet: RequestOf<Tag>) => void
}
