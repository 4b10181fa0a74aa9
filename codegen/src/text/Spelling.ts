/** How parts are spelled, for the checker; the runtime's own tests are in `@wirewright/codec/TextFields`. */

/** Integers with one spelling. */
export const integerPattern = /^(0|-?[1-9][0-9]{0,15})$/

const typedPattern = /^(S[^]*|O[^]+|[TFLU]|N(NaN|-?Infinity|[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?))$/

/** Whether text is a typed value. */
export const isTypedText = (text: string): boolean => typedPattern.test(text)
