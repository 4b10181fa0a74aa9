/** The longest line of generated code. */
export const lineWidth = 140
