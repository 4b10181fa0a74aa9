/** The run time that generated code imports. */

/** Module specifier of the runtime. */
export const codec = "@wirewright/codec"
