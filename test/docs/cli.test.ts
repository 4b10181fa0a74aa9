/**
 * What the documentation and the schema say of the command is what the command's own table says.
 *
 * `UPDATE_DOCS=1 npx vitest run test/docs/cli.test.ts` writes what is missing.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { expect, it } from "vitest"
import { exitRows } from "../../packages/cli/src/Exits.ts"
import { expectGuide, path } from "./Guide.ts"

const codes = (): string => {
  const rows = exitRows.map(({ code, meaning, name }) => `| ${code} | \`${name}\` | ${meaning} |`)
  return ["| code | name | when |", "|---|---|---|", ...rows].join("\n")
}

it("the README has the table of exit codes", () => {
  expectGuide("README.md", { "exit codes": codes })
  expectGuide("packages/cli/README.md", { "exit codes": codes })
})

const text = { type: "string", minLength: 1 }

const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "A line on stderr of a command with --json",
  oneOf: [{ $ref: "#/$defs/error" }, { $ref: "#/$defs/log" }, { $ref: "#/$defs/counters" }],
  $defs: {
    error: {
      description: "How the command failed. The last line, and the only one of its kind.",
      type: "object",
      required: ["error", "exit", "code", "message"],
      properties: {
        error: { ...text, description: "Name of the reason, such as AuthenticationFailed or NotFound." },
        exit: {
          description: "Name of the exit.",
          enum: exitRows.map(({ name }) => name).filter((name) => name !== "done" && name !== "interrupted")
        },
        code: { description: "Code of the exit.", type: "integer" },
        message: { ...text, description: "The reason in words." },
        ambiguous: { description: "The write may have happened.", type: "boolean" },
        hint: { ...text, description: "What may help." }
      },
      oneOf: exitRows.filter(({ name }) => name !== "done" && name !== "interrupted").map(({ code, meaning, name }) => ({
        description: meaning,
        properties: { exit: { const: name }, code: { const: code } }
      })),
      additionalProperties: false
    },
    log: {
      description: "Something that happened and did not end the command.",
      type: "object",
      required: ["level", "time", "message", "annotations"],
      properties: {
        level: { enum: ["fatal", "error", "warning", "info", "debug", "trace"] },
        time: { ...text, description: "ISO 8601 in UTC." },
        message: text,
        annotations: { description: "What it is about.", type: "object" }
      },
      additionalProperties: false
    },
    counters: {
      description: "What a proxy counted, at its end.",
      type: "object",
      required: ["counters"],
      properties: { counters: { type: "object" } },
      additionalProperties: false
    }
  }
}

it("the schema of errors has the codes of the table", () => {
  const file = path("packages/cli/stderr.schema.json")
  const made = `${JSON.stringify(schema, null, 2)}\n`
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, made)
  else expect(readFileSync(file, "utf8")).toBe(made)
})
