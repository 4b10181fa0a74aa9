import { generate } from "@wirewright/codegen"
import config from "/work/main/wirewright.config.ts"
const only = process.argv.slice(2)
const t=Date.now()
const r = await generate({ cwd: "/work/main", targets: config.targets.filter(t => only.length===0 || only.includes(t.protocol)) })
console.log(JSON.stringify({...r, findings: r.findings.slice(0,20)}, null, 1), Date.now()-t, "ms")
