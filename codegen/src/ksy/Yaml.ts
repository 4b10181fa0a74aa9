/** Plain values as YAML, as far as format descriptions need it. */

const plain = /^[A-Za-z_][\w.-]*$/
const words = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])

const scalar = (value: unknown): string => {
  if (typeof value !== "string") return String(value)
  return plain.test(value) && !words.has(value.toLowerCase()) ? value : JSON.stringify(value)
}

const isEmpty = (value: object): boolean => Object.values(value).every((one) => one === undefined)

/** A value as lines of YAML, indented. */
export const yaml = (value: unknown, indent = ""): string => {
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== "object")) return `${indent}[${value.map(scalar).join(", ")}]\n`
    return value.map((one) => `${indent}- ${yaml(one, `${indent}  `).slice(indent.length + 2)}`).join("")
  }
  if (typeof value !== "object" || value === null) return `${indent}${scalar(value)}\n`
  return Object.entries(value).filter(([, one]) => one !== undefined).map(([key, one]) => {
    const name = `${indent}${/^-?\d+$/.test(key) ? key : scalar(key)}:`
    if (typeof one !== "object" || one === null) return `${name} ${scalar(one)}\n`
    if (Array.isArray(one) && one.every((item) => typeof item !== "object")) return `${name} ${yaml(one)}`
    return isEmpty(one) ? `${name} {}\n` : `${name}\n${yaml(one, `${indent}  `)}`
  }).join("")
}
