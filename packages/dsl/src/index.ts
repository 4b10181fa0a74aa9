/** The words wire-format specs are written in. Every word returns plain data. */
export * from "./CallSite.ts"
export * from "./Command.ts"
export * from "./Flags.ts"
export * from "./Frame.ts"
export * from "./Message.ts"
export * from "./Protocol.ts"
export * from "./Type.ts"
